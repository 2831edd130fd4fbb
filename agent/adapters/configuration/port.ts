import type { ConfigurationPort, Places, VipPort } from '../../ports'
import { checkHere } from './localCheck'
import { saveKept, writeConfigFile } from './store'

export function createConfigurationPort(places: Places, vips: VipPort): ConfigurationPort {
  return {
    save: (kept) => saveKept(places, kept),
    writeFile: (text) => writeConfigFile(places.configFile, text),
    check: (before, next) => checkHere(places, vips, before, next)
  }
}
