import { define } from './report'

/** What the HTTPS door of an agent answers when it does not do what was asked. */
interface At {
  node: string
}

export const API_MESSAGES = {
  E_API_ROUTE: define<At & { method: string; path: string }>({
    exitCode: 2,
    message: ({ node, method, path }) => `The agent of ${node} has no ${method} ${path}.`,
    tryThis: () => 'The shell may be newer or older than the agent: compare the versions (cui --version, mirrorpair-agent --version).'
  }),
  E_API_METHOD: define<At & { method: string; path: string; allowed: string }>({
    exitCode: 2,
    message: ({ node, method, path }) => `The agent of ${node} knows ${path}, and not with ${method}.`,
    tryThis: ({ allowed }) => `Use ${allowed}.`
  }),
  E_API_REQUEST: define<At & { what: string }>({
    exitCode: 2,
    message: ({ node, what }) => `The agent of ${node} cannot read the request: ${what}.`,
    tryThis: () => 'The shell may be newer or older than the agent: compare the versions (cui --version, mirrorpair-agent --version).'
  }),
  E_API_TOO_LARGE: define<At & { limitBytes: number }>({
    exitCode: 2,
    message: ({ node, limitBytes }) => `The request is larger than the agent of ${node} takes (${limitBytes} bytes).`,
    tryThis: () => 'Send less; no command of the shell comes near that size.'
  }),
  E_API_INTERNAL: define<At & { reference: string }>({
    exitCode: 1,
    message: ({ node, reference }) => `The agent of ${node} failed on this request; it is a fault of the agent (reference ${reference}).`,
    tryThis: ({ reference }) => `Look for ${reference} in the event log of the node, and ask for the state (allstate) before you repeat the command.`
  }),
  E_API_LISTEN: define<At & { address: string; port: number; why: string }>({
    exitCode: 1,
    message: ({ node, address, port, why }) => `The agent of ${node} cannot listen on ${address} port ${port}: ${why}.`,
    tryThis: ({ port }) =>
      `See what uses the port (ss -ltnp sport = :${port}), whether the address is on this machine (ip addr), or change api: { port: … } on both nodes.`
  }),
  E_API_CERTIFICATE: define<At & { file: string; why: string }>({
    exitCode: 1,
    message: ({ node, file, why }) => `The certificate file ${file} of ${node} cannot be used: ${why}.`,
    tryThis: () => 'Make the keys of the cluster with mirrorpair-agent init, or fetch those of this node with mirrorpair-agent join.'
  }),
  E_SESSION: define<At>({
    exitCode: 4,
    message: ({ node }) => `There is no valid session on ${node}: not logged in, logged out, or the session has ended.`,
    tryThis: () => 'Log in again: login.'
  }),
  E_LOGIN_REFUSED: define<At>({
    exitCode: 4,
    message: ({ node }) => `Login refused on ${node}: the account or the password is wrong, or the account is locked.`,
    tryThis: () => 'Try again with the account and password of this node; passwords may differ between the nodes.'
  }),
  E_LOGIN_NOT_ALLOWED: define<At & { account: string; group: string }>({
    exitCode: 4,
    message: ({ node, account, group }) => `The account ${account} may not steer ${node}: it is neither root nor in the group ${group}.`,
    tryThis: ({ account, group }) => `As root on the node: usermod -aG ${group} ${account} (groupadd ${group} first, where the group is missing).`
  }),
  E_LOGIN_ACCOUNT: define<At & { account: string; why: string }>({
    exitCode: 4,
    message: ({ node, account, why }) => `The password is right, and ${node} does not let ${account} in: ${why}.`,
    tryThis: ({ account }) => `Look at the account on the node (chage -l ${account}, passwd -S ${account}); an expired password is changed there with passwd.`
  }),
  E_LOGIN_SLOW: define<At & { seconds: number }>({
    exitCode: 4,
    message: ({ node, seconds }) => `Too many failed logins on ${node}: the next one is looked at in ${seconds} s.`,
    tryThis: ({ seconds }) => `Wait ${seconds} s and try again; the failed logins are in audit.log of the node.`
  }),
  E_LOGIN_UNAVAILABLE: define<At & { why: string }>({
    exitCode: 4,
    message: ({ node, why }) => `Nobody can log in on ${node} now: ${why}.`,
    tryThis: () => 'Run the agent as root with libpam installed, or use the users file: api: { login: users } and mirrorpair-agent users add NAME on the node.'
  }),
  E_HOST_ID: define<At & { why: string }>({
    exitCode: 1,
    message: ({ node, why }) => `The network cards of ${node} cannot be read: ${why}.`,
    tryThis: () => 'See whether ip -d link works on the node (Debian: the package iproute2).'
  }),
  E_PEER_FORBIDDEN: define<At>({
    exitCode: 4,
    message: ({ node }) => `This door of ${node} is only for the other node of the pair, with its certificate.`,
    tryThis: () => 'If this is the other node: its keys are of another cluster or another node name. Fetch new ones with mirrorpair-agent join.'
  }),
  E_PEER_UNREACHABLE: define<At & { peer: string; tried: string; maybe: boolean }>({
    exitCode: 3,
    message: ({ node, peer, tried }) => `${node} could not reach the agent of ${peer} (${tried}).`,
    tryThis: ({ peer, maybe }) =>
      `${maybe ? 'The request may have arrived nevertheless: look at the jobs (allstate) before you repeat it. ' : ''}See which links are up (hbtstate) and whether the agent of ${peer} runs.`
  }),
  E_JOIN_REFUSED: define<At>({
    exitCode: 4,
    message: ({ node }) => `The code is wrong, used already or too old, or ${node} has invited nobody.`,
    tryThis: ({ node }) => `Make a new code on ${node} (mirrorpair-agent invite) and use it within 10 minutes.`
  }),
  E_JOIN_NODE: define<At & { name: string; expected: string }>({
    exitCode: 4,
    message: ({ node, name, expected }) => `${name} cannot join here: the other node of ${node} is called ${expected}.`,
    tryThis: ({ expected }) => `Run join on ${expected}, or give the name: mirrorpair-agent join … --node ${expected}.`
  })
}
