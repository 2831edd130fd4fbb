import { define } from './report'

/** What mirrorpair-agent init, invite, join and users refuse. */
export const SETUP_MESSAGES = {
  E_SETUP_USAGE: define<{ what: string; usage: string }>({
    exitCode: 2,
    message: ({ what }) => `${what}.`,
    tryThis: ({ usage }) => `Usage: ${usage}`
  }),
  E_SETUP_CONFIG: define<{ file: string; why: string }>({
    exitCode: 1,
    message: ({ file, why }) => `The configuration ${file} cannot be used: ${why}`,
    tryThis: () => 'Correct the file (cui config check shows all problems), or name another one with --config FILE.'
  }),
  E_SETUP_NODE: define<{ node: string; known: string }>({
    exitCode: 1,
    message: ({ node, known }) => `${node} is no node of this cluster; its nodes are ${known}.`,
    tryThis: () => 'Give the name of this node with --node NAME, or correct nodes: in the configuration.'
  }),
  E_SETUP_EXISTS: define<{ file: string }>({
    exitCode: 5,
    message: ({ file }) => `There are keys already: ${file}. Nothing was changed.`,
    tryThis: () => 'Use --force to replace them; then the other node needs new ones too (mirrorpair-agent join), and every shell is warned of the change.'
  }),
  E_SETUP_WRITE: define<{ file: string; why: string }>({
    exitCode: 1,
    message: ({ file, why }) => `${file} cannot be written: ${why}.`,
    tryThis: () => 'Run the command as root, or name a directory of your own with --state DIR.'
  }),
  E_LICENSE_EXISTS: define<{ file: string }>({
    exitCode: 5,
    message: ({ file }) => `${file} is there already. Nothing was changed.`,
    tryThis: () => 'Name another place with --out; with other keys, every licence that was issued before is void.'
  }),
  E_LICENSE_KEY: define<{ file: string; why: string }>({
    exitCode: 1,
    message: ({ file, why }) => `${file} cannot be used to sign licences: ${why}.`,
    tryThis: () => 'Name the licensor.key that mirrorpair-agent license keygen has made.'
  }),
  E_SETUP_NO_AUTHORITY: define<{ file: string; why: string }>({
    exitCode: 5,
    message: ({ file, why }) => `This node cannot invite another one: ${file} cannot be read (${why}).`,
    tryThis: () => 'Run invite on the node where mirrorpair-agent init was run (as root): it holds the key of the cluster.'
  }),
  E_SETUP_CODE: define<object>({
    exitCode: 2,
    message: () => 'This is not a code of mirrorpair-agent invite: it has two halves of 16 letters and digits with a dot between them.',
    tryThis: () => 'Copy the whole code: XXXX-XXXX-XXXX-XXXX.XXXX-XXXX-XXXX-XXXX.'
  }),
  E_JOIN_UNREACHABLE: define<{ address: string; port: number; why: string }>({
    exitCode: 3,
    message: ({ address, port, why }) => `No agent answered at ${address} port ${port}: ${why}.`,
    tryThis: () => 'Check the address, that the agent runs there, and that no firewall is between the two nodes.'
  }),
  E_JOIN_OTHER_CLUSTER: define<{ address: string }>({
    exitCode: 4,
    message: ({ address }) =>
      `The agent at ${address} is not the one that made this code: its certificate is of another cluster, or somebody stands in between.`,
    tryThis: () => 'Check the address, and make a new code with mirrorpair-agent invite on the node you mean. The code was not sent.'
  }),
  E_USERS_FILE: define<{ file: string; why: string }>({
    exitCode: 1,
    message: ({ file, why }) => `The users file ${file} cannot be read: ${why}.`,
    tryThis: ({ file }) => `Move ${file} away and add the users anew.`
  }),
  E_USERS_NAME: define<{ account: string; why: string }>({
    exitCode: 2,
    message: ({ account, why }) => `The user ${account} ${why}.`,
    tryThis: () => 'See the users with mirrorpair-agent users list.'
  }),
  E_USERS_PASSWORD: define<{ why: string }>({
    exitCode: 2,
    message: ({ why }) => `The password was not taken: ${why}.`,
    tryThis: () => 'Type a password of at least 8 characters, twice the same; or give it on standard input with --password-stdin.'
  }),
  E_LEAVE_NO_ENGINE: define<{ runDirectory: string }>({
    exitCode: 3,
    message: ({ runDirectory }) => `No engine runs on this machine (nobody answers at ${runDirectory}/engine.sock), so nobody can hand its jobs over.`,
    tryThis: () =>
      'Start it (systemctl start mirrorpair-agent) and leave then, or name its directory with --run DIR. What runs without it goes on until the machine ends it.'
  }),
  E_LEAVE_TIMEOUT: define<{ timeout: string; left: string }>({
    exitCode: 6,
    message: ({ timeout, left }) => `Not everything had stopped here within ${timeout}: ${left}.`,
    tryThis: () =>
      'The engine goes on with it: ask again, with a longer --timeout, or see in the log what does not stop. The stop timeouts of the applications are added up.'
  })
}
