import type { ConfigurationPort, Places } from '../../ports'
import { type CheckDoors, checkHere } from './localCheck'
import { saveKept, writeConfigFile } from './store'

export function createConfigurationPort(places: Places, doors: CheckDoors): ConfigurationPort {
  return {
    save: (kept) => saveKept(places, kept),
    writeFile: (text) => writeConfigFile(places.configFile, text),
    check: (before, next) => checkHere(places, doors, before, next)
  }
}
