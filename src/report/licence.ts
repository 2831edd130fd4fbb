import { define, type MessageDefinition, type Report } from './report'

interface At {
  node: string
}
const NEXT = 'hostid shows the host id that it has to be made for; then license install FILE'

/** What is said about licences. A service is never stopped for one. */
export const LICENCE_MESSAGES = {
  E_LICENSE_REQUIRED: define<At & { what: string; word: string; why: string }>({
    exitCode: 5,
    message: ({ node, what, word, why }) => `${what} is refused on ${node} while its licence is ${word}: ${why}. What runs goes on, and fails over as before`,
    tryThis: () => NEXT
  }),
  E_LICENSE_FREE: define<At>({
    exitCode: 5,
    message: ({ node }) => `${node} needs no licence: nobody has asked for one there (licensor.json), and mirrorpair is free`,
    tryThis: () => 'license show; nothing has to be installed'
  }),
  E_LICENSE_FILE: define<At & { why: string }>({
    exitCode: 5,
    message: ({ node, why }) => `${node} does not take this licence, and nothing was changed: ${why}`,
    tryThis: () => 'Give the .lic file exactly as it was sent: it is not to be edited'
  }),
  E_LICENSE_SIGNATURE: define<At & { licensor: string }>({
    exitCode: 5,
    message: ({ node, licensor }) => `${node} does not take this licence, and nothing was changed: it was not signed by ${licensor}, or was changed since`,
    tryThis: () => 'Give the .lic file exactly as it was sent; license show names who licenses this node'
  }),
  E_LICENSE_HOST: define<At & { given: string; hostId: string }>({
    exitCode: 5,
    message: ({ node, given, hostId }) =>
      `${node} does not take this licence, and nothing was changed: it is for host id ${given}, and this machine is ${hostId}`,
    tryThis: () => `Install it on the machine that it is for, or ask for another one: hostid`
  }),
  E_LICENSE_EXPIRED: define<At & { expires: string }>({
    exitCode: 5,
    message: ({ node, expires }) => `${node} does not take this licence, and nothing was changed: it ended on ${expires}`,
    tryThis: () => 'Ask for a renewed one; if the date of the node is wrong (timedatectl), correct that first'
  }),
  E_LICENSE_SAVE: define<At & { why: string }>({
    exitCode: 1,
    message: ({ node, why }) => `The licence of ${node} could not be changed: ${why}`,
    tryThis: () => 'Look at the state directory of the node for free space and rights; license show says what is in force'
  }),
  E_LICENSE_LOOK: define<At & { why: string }>({
    exitCode: 1,
    message: ({ node, why }) => `${node} cannot look at its licence: ${why}`,
    tryThis: () => 'See whether ip -d link works on the node (Debian: the package iproute2), and hostid'
  })
}

type Messages = typeof LICENCE_MESSAGES
type ValuesOf<Code extends keyof Messages> = Messages[Code] extends MessageDefinition<infer Values> ? Values : never

export function licenceReport<Code extends keyof Messages>(code: Code, values: ValuesOf<Code>): Report {
  const definition: MessageDefinition<ValuesOf<Code>> = LICENCE_MESSAGES[code] as never
  return { code, message: definition.message(values), tryThis: definition.tryThis(values), exitCode: definition.exitCode }
}
