import fs from 'node:fs'
import type { Config, WitnessConfig } from '../../../src/model'
import type { WitnessTrial } from '../../ports'
import { failure, plainReason } from '../failure'
import type { Findings } from './findings'

/** A witness that is new in it: what etcd wants to see has to be here; that it does not answer just now is only told. */
export async function checkWitness(answers: WitnessTrial, before: Config, next: Config, findings: Findings): Promise<void> {
  const { witness } = next
  if (!witness || JSON.stringify(placeOf(witness)) === JSON.stringify(placeOf(before.witness))) return
  const missing = await filesMissing(witness)
  for (const { file, why } of missing) findings.refuse(failure('E_CONFIG_ETCD_FILE', { node: findings.node, file, why }))
  if (missing.length > 0) return
  const why = await answers(witness)
  if (why !== null) findings.warn(`${nameOf(witness)} cannot be asked: ${why}.`)
}

/** Not the version in which it became the pair's. */
const placeOf = (witness: WitnessConfig | null | undefined) => witness && [witness.address, witness.port, witness.etcd ?? null]

const nameOf = ({ address, etcd }: WitnessConfig): string => (etcd ? `etcd (${etcd.endpoints.join(', ')})` : `the witness ${address}`)

async function filesMissing({ etcd }: WitnessConfig): Promise<{ file: string; why: string }[]> {
  const files = [etcd?.caFile, etcd?.certFile, etcd?.keyFile, etcd?.passwordFile].filter((file) => typeof file === 'string')
  const looked = await Promise.all(
    files.map((file) =>
      fs.promises.readFile(file).then(
        () => null,
        (error: unknown) => ({ file, why: plainReason(error) })
      )
    )
  )
  return looked.filter((each) => each !== null)
}
