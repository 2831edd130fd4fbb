import { ADDRESSES, FIRST_VIP, type Node, NODES, PREFIXES } from '../lab/plan'

/** What Pacemaker calls the address. */
const ADDRESS = 'address'
/** Corosync would derive them from the token, half of it: knet, whose threads look every 200 ms, then takes a sound link for dead every nine seconds. */
const PING_INTERVAL_MS = 200
const PING_TIMEOUT_MS = 1_000
/** The first one waits so long for another one that has been elected already. */
const FIRST_ELECTION = '2s'

/** Corosync between the nodes' service addresses; `tokenMs`: so long nothing is heard, then the other one is missed. The consensus is its own: 1.2 tokens. */
export function corosyncText(tokenMs: number): string {
  const member = (node: Node, place: number) => `  node {\n    ring0_addr: ${ADDRESSES[node].service}\n    name: ${node}\n    nodeid: ${place + 1}\n  }\n`
  const link = `  interface {\n    linknumber: 0\n    knet_ping_interval: ${PING_INTERVAL_MS}\n    knet_ping_timeout: ${PING_TIMEOUT_MS}\n  }\n`
  return [
    `totem {\n  version: 2\n  cluster_name: bench\n  transport: knet\n  crypto_cipher: none\n  crypto_hash: none\n  token: ${tokenMs}\n${link}}\n`,
    `nodelist {\n${NODES.map(member).join('')}}\n`,
    'quorum {\n  provider: corosync_votequorum\n  two_node: 1\n}\n',
    // It stays in the cgroup of its node: with the node it has to die.
    'system {\n  move_to_root_cgroup: no\n}\n',
    'logging {\n  to_stderr: yes\n  to_syslog: no\n  to_logfile: no\n}\n'
  ].join('')
}

/** One address that stays where it is, and nothing else; an old feature set, so that every Pacemaker 2 takes it. */
export function clusterText(): string {
  const pair = (name: string, value: string) => `<nvpair id="${name}" name="${name}" value="${value}"/>`
  const options = [pair('stonith-enabled', 'false'), pair('no-quorum-policy', 'ignore'), pair('dc-deadtime', FIRST_ELECTION)].join('')
  const attributes = [pair('ip', FIRST_VIP), pair('cidr_netmask', String(PREFIXES.service)), pair('nic', 'service')].join('')
  const primitive = [
    `<primitive id="${ADDRESS}" class="ocf" provider="heartbeat" type="IPaddr2">`,
    `<instance_attributes id="${ADDRESS}-attributes">${attributes}</instance_attributes>`,
    `<meta_attributes id="${ADDRESS}-meta">${pair('resource-stickiness', '1000')}</meta_attributes></primitive>`
  ].join('')
  return [
    '<cib crm_feature_set="3.0.14" validate-with="pacemaker-3.0" admin_epoch="1" epoch="1" num_updates="0"><configuration>',
    `<crm_config><cluster_property_set id="cib-bootstrap-options">${options}</cluster_property_set></crm_config>`,
    `<nodes/><resources>${primitive}</resources><constraints/></configuration><status/></cib>\n`
  ].join('')
}

/** Runs in a node with the folder of the two texts above as its argument. What both programs write is the node's own and gone with it. */
export const START_SCRIPT = `set -eu
mount -t tmpfs tmpfs /var/lib/corosync
mount -t tmpfs tmpfs /var/lib/pacemaker
install -d -o hacluster -g haclient -m 750 /var/lib/pacemaker/cib /var/lib/pacemaker/pengine /var/lib/pacemaker/blackbox /var/lib/pacemaker/cores
chown hacluster:haclient /var/lib/pacemaker
mkdir -p /etc/corosync /run/resource-agents
cp "$1/corosync.conf" /etc/corosync/corosync.conf
install -o hacluster -g haclient -m 600 "$1/cib.xml" /var/lib/pacemaker/cib/cib.xml
corosync -f &
until corosync-cfgtool -s > /dev/null 2>&1; do
  kill -0 $! || exit 1
  sleep 0.1
done
export PCMK_logfile=none PCMK_stderr=yes
exec pacemakerd -f
`

/** In the words of `crm_mon --output-as xml`: these nodes take part, and here is the address. */
export function seenBy(report: string): { online: Node[]; holders: Node[] } {
  const tags = (text: string, start: RegExp) => text.match(start) ?? []
  const named = (tag: string): Node[] => NODES.filter((node) => tag.includes(` name="${node}"`))
  const online = tags(report, /<node [^>]*>/g).filter((tag) => tag.includes(' online="true"') && tag.includes(' pending="false"'))
  const [address = ''] = tags(report, new RegExp(`<resource id="${ADDRESS}"[^>]*[^/]>.*?</resource>`, 's'))
  return { online: online.flatMap(named), holders: tags(address, /<node [^>]*>/g).flatMap(named) }
}
