import fs from 'node:fs'
import path from 'node:path'
import { type Lab, type Node, NODES, VIP } from '../e2e/kit/lab'
import { dist, NODE } from '../e2e/kit/programs'
import { FIRST_WHO_PORT } from '../lab/applications'
import { lastWords } from '../lab/engines'
import { labPlaces } from '../lab/places'
import { PREFIXES } from '../lab/plan'
import { folderIn, has } from './contenders'
import { AROUND_MS, type Contestant, LOOK_MS, pause } from './deaths'
import { clusterText, corosyncText, seenBy, START_SCRIPT } from './pacemaker'

const AGREED_TIMEOUT_MS = 90_000
/** Three heartbeats of 100 ms. */
const TOKEN_MS = 300
const ADDRESS_AGENT = '/usr/lib/ocf/resource.d/heartbeat/IPaddr2'

/** Takes the address and nothing else; what answers at it runs on both nodes all the time. */
interface Rival {
  name: string
  times: string
  /** What Debian calls them. */
  packages: string
  installed(): boolean
  /** Writes its files into the folder; the program of each node. */
  command(folder: string): string
  /** Both nodes know each other and one has the address. */
  agreed(lab: Lab): Promise<void>
}

const keepalived: Rival = {
  name: 'keepalived',
  times: 'VRRP, an advertisement every 100 ms, 3 missed',
  packages: 'keepalived',
  installed: () => has('keepalived'),
  command: (folder) => {
    const instance = ['state BACKUP', 'nopreempt', 'interface service', 'virtual_router_id 51', 'priority 100', 'advert_int 0.1']
    const address = `virtual_ipaddress { ${VIP}/${PREFIXES.service} dev service }`
    const file = path.join(folder, 'keepalived.conf')
    fs.writeFileSync(file, `global_defs { vrrp_version 3 }\nvrrp_instance pair {\n${[...instance, address].join('\n')}\n}\n`)
    return `keepalived --dont-fork --log-console --vrrp --use-file ${file} --pid /run/keepalived.pid`
  },
  agreed: async () => void (await pause(AROUND_MS))
}

const pacemaker: Rival = {
  name: 'corosync and pacemaker',
  times: `token ${TOKEN_MS} ms, consensus ${TOKEN_MS * 1.2} ms, no fencing`,
  packages: 'corosync pacemaker pacemaker-cli-utils resource-agents',
  installed: () => ['corosync', 'pacemakerd', 'crm_mon'].every(has) && fs.existsSync(ADDRESS_AGENT),
  command: (folder) => {
    fs.writeFileSync(path.join(folder, 'corosync.conf'), corosyncText(TOKEN_MS))
    fs.writeFileSync(path.join(folder, 'cib.xml'), clusterText())
    fs.writeFileSync(path.join(folder, 'start.sh'), START_SCRIPT)
    return `sh ${path.join(folder, 'start.sh')} ${folder}`
  },
  agreed: async (lab) => {
    for (const deadline = Date.now() + AGREED_TIMEOUT_MS; !(await agree(lab)); await pause(LOOK_MS)) {
      const words = NODES.map((node) => `--- ${node}\n${lastWords(labPlaces(lab.name), node)}`)
      if (Date.now() > deadline) throw new Error(`corosync and pacemaker are no pair after ${AGREED_TIMEOUT_MS} ms:\n${words.join('\n')}`)
    }
  }
}

/** Both say the same: both take part, one has the address. */
async function agree(lab: Lab): Promise<boolean> {
  const holders = await Promise.all(
    NODES.map(async (node) => {
      const { stdout } = await lab.exec(node, ['crm_mon', '--one-shot', '--output-as', 'xml'])
      const seen = seenBy(stdout)
      return seen.online.length === NODES.length ? seen.holders.join() : ''
    })
  )
  return holders[0] === holders[1] && NODES.some((node) => node === holders[0])
}

const answering = (lab: Lab, node: Node) => void lab.start(node, [NODE, dist('who'), '--listen', `0.0.0.0:${FIRST_WHO_PORT}`])

const contestantOf = ({ name, times, command, agreed }: Rival, root: string): Contestant => ({
  name: `${name} (address only)`,
  times,
  options: ['--agent-command', command(folderIn(root, name.replaceAll(' ', '-')))],
  begin: async (lab) => {
    for (const node of NODES) answering(lab, node)
  },
  revived: answering,
  agreed
})

/** Who is not installed is left out, and it is said. */
export function rivals(root: string): Contestant[] {
  const there = [keepalived, pacemaker].filter((rival) => {
    if (rival.installed()) return true
    console.log(`left out: ${rival.name}: not installed (apt-get install ${rival.packages})`)
    return false
  })
  return there.map((rival) => contestantOf(rival, root))
}
