import type { Config } from '../../../src/model'
import type { ConfigChecked } from '../../../src/wire'
import type { AgentsPort, Places, VipPort, WitnessTrial } from '../../ports'
import { checkAddresses } from './checkAddresses'
import { checkApplications } from './checkApplications'
import { checkDevices } from './checkDevices'
import { checkFolders } from './checkFolders'
import { checkWitness } from './checkWitness'
import { Findings } from './findings'

type CheckPlaces = Pick<Places, 'node' | 'stateDirectory' | 'runDirectory'>

export interface CheckDoors {
  vips: Pick<VipPort, 'probe'>
  agents: AgentsPort
  witness: WitnessTrial
}

/**
 * What only this machine can say of a new configuration. Only what is new in it is looked at: a cable that is out, or an address that went away, must not
 * stand in the way of another change.
 */
export async function checkHere(places: CheckPlaces, { vips, agents, witness }: CheckDoors, before: Config, next: Config): Promise<ConfigChecked> {
  const findings = new Findings(places.node)
  await checkAddresses(vips, before, next, findings)
  await checkDevices(before, next, findings)
  await checkWitness(witness, before, next, findings)
  await checkFolders(places, before, next, findings)
  await checkApplications(places, agents, before, next, findings)
  const { problems, warnings, folders } = findings
  return { problems, warnings, folders }
}
