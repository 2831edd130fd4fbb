import { Args, Flags } from '@oclif/core'
import { type ConfigEdit, type EtcdEdit, removeWitness, setEtcdWitness, setWitness, type WitnessConfig } from '../src/model'
import { CuiCommand, everywhere, type HelpText, parseDurationMs, timeoutFlag } from './base'
import { changePart, configInForce, configNode, configuring, readView } from './change'
import type { Outcome } from './context'
import { fail } from './kit/fail'
import { IN_FORCE_MS, untilInForce } from './inForce'
import { actionOf } from './operate'
import { whyNotWitness } from './view/witness'

const ACTIONS = ['show', 'set', 'remove'] as const

interface EtcdFlags {
  etcd?: string | undefined
  ca?: string | undefined
  cert?: string | undefined
  key?: string | undefined
  user?: string | undefined
  'password-file'?: string | undefined
}

/** What else it has to be, the configuration says. */
const MEMBER = /^https?:\/\/[^/]+:\d+$/

const ETCD = {
  etcd: Flags.string({ description: 'the members of an etcd cluster that stands in for a witness: https://ADDRESS:2379, separated by commas' }),
  ca: Flags.string({ description: 'the authority of its certificates, a PEM file on both nodes' }),
  cert: Flags.string({ description: 'the certificate that it wants to see, a PEM file on both nodes' }),
  key: Flags.string({ description: 'the key of that certificate, a file on both nodes' }),
  user: Flags.string({ description: 'the account that may read and write mirrorpair/' }),
  'password-file': Flags.string({ description: 'the file on both nodes with its password' })
}

/** The third voter of the modes with quorum. */
export class Witness extends CuiCommand {
  static override args = { action: Args.string({ required: true }), address: Args.string() }
  static override flags = {
    ...everywhere,
    ...configuring,
    ...ETCD,
    wait: Flags.boolean({ description: 'wait until both nodes hear it (--no-wait: only until it is agreed on)', default: true, allowNo: true }),
    timeout: timeoutFlag
  }
  static override about: HelpText = {
    summary: 'the witness of the pair: show, set (also in the place of another one; or etcd), remove',
    usage:
      'witness show|set|remove [ADDRESS[:PORT]] [--etcd URL,URL] [--ca FILE] [--cert FILE --key FILE] [--user NAME --password-file FILE] [--yes] [--dry-run] [--no-wait] [--timeout 60s] [--reason TEXT]',
    example: 'witness set 192.168.150.153'
  }

  async run(): Promise<Outcome> {
    const { args, flags } = await this.read(Witness)
    const action = actionOf(args.action, ACTIONS, 'witness', Witness.about.usage)
    if (action === 'show') return await this.show(flags.node)
    const { typed, edit } = action === 'set' ? setting(args.address, flags) : removing(args.address, flags)
    const question = 'Until the new witness has heard both nodes, only the nodes themselves vote. Do you really want to do it?'
    const changed = await changePart(this.context, this.output, flags, { typed, question }, edit)
    if (flags['dry-run'] || !flags.wait) return changed
    const timeoutMs = flags.timeout === undefined ? IN_FORCE_MS : parseDurationMs(flags.timeout)
    const waitedMs = await this.untilHeard(flags.node, timeoutMs)
    return { ...changed, json: { ...changed.json, waitedMs } }
  }

  private async show(node: string | undefined): Promise<Outcome> {
    const view = await readView(await configNode(this.context, node))
    const { agreed } = view
    const witness = configInForce(view).witness ?? null
    const since = agreed.witnessSince === 0 ? 'the first version' : `version ${agreed.witnessSince}`
    this.output.line(witness === null ? 'The pair has no witness.' : `The witness is ${nameOf(witness)}, since ${since}.`)
    return { exitCode: 0, json: { witness: witness && { ...witness, since: agreed.witnessSince } } }
  }

  /** As the nodes go by it, not as it was asked for: somebody may have changed it since. */
  private async untilHeard(node: string | undefined, timeoutMs: number): Promise<number> {
    const view = await readView(await configNode(this.context, node))
    const { witness = null, cluster } = configInForce(view)
    const name = witness && nameOf(witness)
    return await untilInForce(this.context, this.output, {
      what: name === null ? 'a pair without a witness' : `the vote of ${name}`,
      done: name === null ? 'The pair has no witness.' : `The witness is ${name}.`,
      again: 'mirror JOB status shows what each node has heard of it',
      node,
      timeoutMs,
      whyNot: (clusters) =>
        whyNotWitness(
          clusters.find((each) => each.cluster === cluster),
          view.agreed.version,
          witness?.address ?? null
        )
    })
  }
}

const nameOf = ({ address, port, etcd }: WitnessConfig): string => (etcd ? `etcd (${etcd.endpoints.join(', ')})` : `${address}, port ${port}`)

interface Setting {
  typed: string
  edit: ConfigEdit
}

function removing(address: string | undefined, flags: EtcdFlags): Setting {
  if (address === undefined && etcdWords(flags).length === 0) return { typed: 'witness remove', edit: removeWitness }
  throw fail('E_USAGE', { what: 'The pair has one witness; it is removed without a name.', usage: Witness.about.usage })
}

function setting(address: string | undefined, flags: EtcdFlags): Setting {
  const { usage } = Witness.about
  const words = etcdWords(flags)
  if (address === undefined && flags.etcd === undefined) throw fail('E_USAGE', { what: 'The address of the witness is missing, or --etcd.', usage })
  if (address !== undefined && words.length > 0) throw fail('E_USAGE', { what: `A witness has an address, or it is etcd and has ${words[0]}.`, usage })
  if (address !== undefined) return { typed: `witness set ${address}`, edit: setWitness(address) }
  const edit = etcdEdit(flags)
  const wrong = edit.etcd.find((member) => !MEMBER.test(member))
  if (wrong !== undefined) throw fail('E_USAGE', { what: `"${wrong}" is no member of an etcd cluster: https://ADDRESS:2379 is expected.`, usage })
  return { typed: `witness set ${words.join(' ')}`, edit: setEtcdWitness(edit) }
}

/** What was typed of it; no secret is among it. */
const etcdWords = (flags: EtcdFlags): string[] =>
  Object.keys(ETCD).flatMap((name) => {
    const value = flags[name as keyof EtcdFlags]
    return value === undefined ? [] : [`--${name} ${value}`]
  })

function etcdEdit({ etcd = '', ca, cert, key, user, 'password-file': passwordFile }: EtcdFlags): EtcdEdit {
  const given = { ca, cert, key, user, passwordFile }
  return { etcd: etcd.split(','), ...(Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)) as Omit<EtcdEdit, 'etcd'>) }
}
