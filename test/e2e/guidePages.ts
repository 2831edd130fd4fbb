/** A page of the operation guide, what it shows, and the tests on a real pair (or, where no pair is needed, elsewhere) that are that page. */
export interface GuidePage {
  chapter: string
  page: string
  shows: string
  /** File below test/, and the beginning of the test's own name. */
  tests: [file: string, name: string][]
}

const GROUP = 'e2e/guide.test.ts'
const DETACH = 'e2e/detach.test.ts'
const MONITOR = 'e2e/monitor.test.ts'
const RUNBOOKS = 'e2e/runbooks.test.ts'
const LICENCE = 'e2e/licence.test.ts'
const HOST_ID = 'agent/licence/hostId.test.ts'

export const GUIDE_PAGES: GuidePage[] = [
  {
    chapter: '3',
    page: 'Console, C to F: Host, Resource Group, Private Network, Networkcard',
    shows: 'the servers, where each group is and in which state, the links between them, the cards',
    tests: [
      ['e2e/transcripts.test.ts', 'list, allstate, hbtstate, bringin, switch, bringout, byte for byte'],
      ['e2e/links.test.ts', 'one link, then a second one: nothing moves'],
      ['e2e/nic.test.ts', 'of the standby: nothing moves; of the active node']
    ]
  },
  {
    chapter: '3',
    page: 'Console, G and H: Replication state, Resource Group Detail view',
    shows: 'the property view',
    tests: [
      ['commands/transcripts.test.ts', "the property view has the guide's lines"],
      ['commands/watch.test.ts', 'watch shows the whole pair on a terminal'],
      [GROUP, 'Bring Out: the service is stopped']
    ]
  },
  {
    chapter: '3',
    page: 'Console, I: Log',
    shows: 'what has happened, as it happens: time, text, server',
    tests: [
      ['commands/log.test.ts', 'the events of both nodes stand in the order of their times, as the guide prints them'],
      ['commands/log.test.ts', '--follow shows what happens when it happens']
    ]
  },
  {
    chapter: '4',
    page: 'Take Over',
    shows: 'ownership goes to the other server; start and stop are carried out where it is',
    tests: [[GROUP, 'Take Over: ownership goes to the other server and back']]
  },
  { chapter: '4', page: 'Bring In', shows: 'the service starts on the owner', tests: [[GROUP, 'Bring Out: the service is stopped']] },
  {
    chapter: '4',
    page: 'Bring Out',
    shows: 'the service stops, the owner stays, replication stops',
    tests: [
      [GROUP, 'Bring Out: the service is stopped'],
      ['e2e/transcripts.test.ts', 'list, allstate, hbtstate, bringin, switch, bringout, byte for byte']
    ]
  },
  {
    chapter: '4',
    page: 'Fail Over',
    shows: 'stopped on the active server, started on the standby',
    tests: [
      [GROUP, 'Fail Over: all is stopped on the owner'],
      ['e2e/switch.test.ts', 'switch under pgbench']
    ]
  },
  {
    chapter: '4',
    page: 'Force Start',
    shows: 'with the other server off the service starts; Need to Verify is Manually',
    tests: [
      [GROUP, 'Force Start: the standby of a job'],
      ['e2e/takeover.test.ts', 'forcetake: the dry run changes nothing']
    ]
  },
  {
    chapter: '4',
    page: 'Bring Out, forced',
    shows: 'with the other server off a typed code is asked for',
    tests: [
      [GROUP, 'Force Bring Out: with the other server off'],
      ['commands/forced.test.ts', 'bringout asks for the code only where it is a forced one']
    ]
  },
  {
    chapter: '4',
    page: 'Select Data Source',
    shows: 'after a forced start one copy is chosen, and the other one follows it',
    tests: [
      [GROUP, 'Force Start: the standby of a job'],
      ['e2e/diverged.test.ts', 'a split brain is Manually']
    ]
  },
  {
    chapter: '4',
    page: 'Clear Error Flag',
    shows: 'the flag of a failed server is removed',
    tests: [[GROUP, 'Clear Error Flag: where an application failed too often']]
  },
  {
    chapter: '4',
    page: 'Detach, replication stops',
    shows: 'Connection, Mirror, Replication and Target Side say Stop; everything may be changed',
    tests: [[DETACH, 'detached with its data']]
  },
  {
    chapter: '4',
    page: 'Detach, replication goes on',
    shows: 'the view stays as it was; policy, VIP and applications may be changed',
    tests: [[DETACH, 'detached, the application is killed: nothing happens']]
  },
  {
    chapter: '4',
    page: 'Bring In after Detach',
    shows: 'monitoring starts again, after a warning that the standby is overwritten',
    tests: [
      [DETACH, 'detached with its data'],
      [DETACH, 'detached, the application is killed: nothing happens']
    ]
  },
  {
    chapter: '5',
    page: 'Offline',
    shows: 'an application is stopped, and those that depend on it',
    tests: [
      [GROUP, 'Resource Offline, Online, Detach, Online'],
      [DETACH, 'an application that is deaf to its signal is taken offline']
    ]
  },
  { chapter: '5', page: 'Online', shows: 'an application that was stopped is started', tests: [[GROUP, 'Resource Offline, Online, Detach, Online']] },
  {
    chapter: '5',
    page: 'Detach',
    shows: 'one application is no longer watched, nor those that depend on it',
    tests: [[GROUP, 'Resource Offline, Online, Detach, Online']]
  },
  { chapter: '5', page: 'Online after Detach', shows: 'it is watched again', tests: [[GROUP, 'Resource Offline, Online, Detach, Online']] },
  {
    chapter: '8',
    page: 'Resource Monitor: conditions, responses, export',
    shows: 'a condition that is met so many times in a row gives the job to the other server; OK becomes Error in the property view',
    tests: [
      [MONITOR, 'of the standby: an alarm, and nothing moves'],
      [MONITOR, 'what has come by itself stays'],
      [MONITOR, 'what was exported while it lasted is there']
    ]
  },
  {
    chapter: '8',
    page: 'Set Monitor Item, Set Event, Event Response, Condition',
    shows: 'conditions and responses are added, changed and removed while the service runs',
    tests: [
      [MONITOR, 'of the standby: an alarm, and nothing moves'],
      ['commands/monitor.test.ts', 'at a terminal it asks for what was not typed']
    ]
  },
  {
    chapter: 'annex 1',
    page: 'IP change, in its eight steps',
    shows: 'the addresses of the servers, of the heartbeat and of the service become others; hbt status is green with the new ones; ipconfig shows them',
    tests: [
      [RUNBOOKS, 'ip-change: nodes and job have other addresses'],
      ['commands/config.test.ts', "the guide's change of the link"],
      ['commands/config.test.ts', "the guide's change of the VIP"],
      ['e2e/change.test.ts', 'a link gets other addresses: hbtstate shows them at once'],
      ['e2e/change.test.ts', 'the VIP goes and comes back as another change']
    ]
  },
  {
    chapter: 'annex 2',
    page: 'HostID: how it is collected',
    shows: '20 letters and digits, made of the addresses of all cards',
    tests: [
      ['commands/licence.test.ts', 'hostid: each node, its host id and the cards it is made of'],
      [HOST_ID, '20 letters and digits that nobody misreads']
    ]
  },
  {
    chapter: 'annex 2',
    page: 'The licence is entered, then on the standby as well',
    shows: 'the .lic file is chosen, the state is shown as valid',
    tests: [
      ['commands/licence.test.ts', 'a file finds the node it is for; with both, the job comes into service'],
      [LICENCE, 'licence-renewal: the host ids are sent']
    ]
  },
  {
    chapter: 'annex 3',
    page: 'What changes the HostID, and what does not',
    shows: 'cards added, removed, exchanged; not addresses, names, disks, processors',
    tests: [
      [HOST_ID, 'a card that is added, removed, exchanged'],
      [HOST_ID, 'names, their order, a cable that is out'],
      [RUNBOOKS, 'nic-exchange: the standby goes off, comes back with other cards']
    ]
  },
  {
    chapter: 'annex 3',
    page: 'The licence is issued anew',
    shows: 'a temporary one, then the final one, without stopping the service',
    tests: [
      [LICENCE, 'licence-renewal: the host ids are sent'],
      [LICENCE, 'it ends later, and a card is exchanged']
    ]
  },
  {
    chapter: 'annex 4',
    page: 'Update of the operating system with the least downtime, in its eight steps',
    shows: 'standby first, restarted, in sync again, failover, then the other one',
    tests: [[RUNBOOKS, 'os-update: both machines are updated and rebooted']]
  },
  {
    chapter: 'annex 5',
    page: 'Patch of the database, in its seven steps',
    shows: 'brought out, patched on both, brought in, verified, failed over',
    tests: [[RUNBOOKS, 'database-patch: what the patch changes in the data files']]
  },
  {
    chapter: 'annex 6',
    page: 'Server, Public, Heartbeat and Mirror NIC, service, OS Hang up',
    shows: 'what becomes of the service, row by row: UNAFFECTED in faults.test.ts, and ANNEX_6_ELSEWHERE',
    tests: [
      ['e2e/faults.test.ts', 'the service does not notice'],
      ['e2e/faults.test.ts', 'OS Hang up: the active server hangs']
    ]
  }
]

/**
 * Annex 6 of the guide (장애상황 대처방안, what to do when something fails), row by row on a real pair: what fails, where, and what has to become of the
 * service. These rows are in files of their own, each the story of its fault; the rest of the table is in faults.test.ts.
 */
export const ANNEX_6_ELSEWHERE: [page: string, fault: string, outcome: string, file: string, test: string][] = [
  ['Server 장애', 'the active server dies', 'failover', 'death', 'the standby serves; the dead node comes back as standby and becomes equal'],
  ['Server 장애', 'the active server shuts down', 'failover', 'shutdown', 'the active node shuts down: the other one serves at once, and nothing is lost'],
  ['Public 장애', 'the public network of the active server', 'failover', 'nic', 'of the active node: the job goes to the other one'],
  ['Public 장애', 'the public network of the standby', 'unaffected', 'nic', 'of the standby: nothing moves'],
  [
    'Public 장애',
    'one of two public cards of the active server',
    'the address goes to the other card',
    'nic',
    'the cable of the first is pulled: the address goes to the second'
  ],
  ['Heartbeat 장애', 'heartbeat links', 'unaffected', 'links', 'one link, then a second one: nothing moves'],
  ['운영서비스 장애', 'the application, again and again', 'restarted, then failover', 'guide', 'where an application failed too often'],
  ['운영서비스 장애', 'the application, run by an OCF agent', 'restarted', 'agents', 'its postmaster is killed: the agent is asked, starts it again']
]
