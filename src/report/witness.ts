import { define } from './report'

/** What the witness's program may end with. */
export const WITNESS_MESSAGES = {
  E_WITNESS_RUNS: define<{ stateDirectory: string }>({
    exitCode: 1,
    message: ({ stateDirectory }) => `A witness for ${stateDirectory} runs already.`,
    tryThis: () => 'Use it (mirrorpair-agent witness status), or stop it first (systemctl stop mirrorpair-witness).'
  }),
  E_WITNESS_ABSENT: define<{ stateDirectory: string }>({
    exitCode: 3,
    message: ({ stateDirectory }) => `No witness for ${stateDirectory} runs here.`,
    tryThis: () => 'Start it: mirrorpair-agent witness run.'
  }),
  E_WITNESS_LISTEN: define<{ address: string; port: number; why: string }>({
    exitCode: 1,
    message: ({ address, port, why }) => `The witness cannot listen on ${address} port ${port}: ${why}.`,
    tryThis: () => 'End what uses the port, or give the witness another one with --port, and the same one to the pairs (witness: in mirrorpair.yaml).'
  }),
  E_WITNESS_PAIR: define<{ name: string; known: string }>({
    exitCode: 5,
    message: ({ name, known }) => `This witness has joined no pair ${name}; its pairs are ${known}.`,
    tryThis: () => 'See them with mirrorpair-agent witness status.'
  })
}
