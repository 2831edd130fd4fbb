import type { AgentsPort, ConfigurationPort, Places, VipPort } from '../../ports'
import { checkHere } from './localCheck'
import { saveKept, writeConfigFile } from './store'

export function createConfigurationPort(places: Places, vips: VipPort, agents: AgentsPort): ConfigurationPort {
  return {
    save: (kept) => saveKept(places, kept),
    writeFile: (text) => writeConfigFile(places.configFile, text),
    check: (before, next) => checkHere(places, { vips, agents }, before, next)
  }
}
