import { clusterText, corosyncText, seenBy } from './pacemaker'

const node = (name: string, { online = true, pending = false } = {}) =>
  `<node name="${name}" id="1" online="${online}" standby="false" pending="${pending}" unclean="false" type="member"/>`

/** As Pacemaker 2.1 writes it, without what nobody reads here. */
const report = (nodes: string[], holders: string[]) => {
  const attributes = 'id="address" resource_agent="ocf:heartbeat:IPaddr2" managed="true"'
  const held = holders.map((name) => `<node name="${name}" id="1" cached="true"/>`).join('\n')
  const resource = holders.length === 0 ? `<resource ${attributes}/>` : `<resource ${attributes}>\n${held}\n</resource>`
  const history = '<node_history>\n<node name="RMHW131">\n<resource_history id="address"/></node>\n</node_history>'
  return `<nodes>\n${nodes.join('\n')}\n</nodes>\n<resources>\n${resource}\n</resources>\n${history}\n`
}

test.each([
  ['nobody has it yet', report([node('RMHW131'), node('RMHW132')], []), { online: ['RMHW131', 'RMHW132'], holders: [] }],
  ['one has it', report([node('RMHW131'), node('RMHW132')], ['RMHW132']), { online: ['RMHW131', 'RMHW132'], holders: ['RMHW132'] }],
  ['both have it', report([node('RMHW131'), node('RMHW132')], ['RMHW131', 'RMHW132']), { online: ['RMHW131', 'RMHW132'], holders: ['RMHW131', 'RMHW132'] }],
  ['one is dead', report([node('RMHW131', { online: false }), node('RMHW132')], ['RMHW132']), { online: ['RMHW132'], holders: ['RMHW132'] }],
  ['one is coming', report([node('RMHW131'), node('RMHW132', { pending: true })], ['RMHW131']), { online: ['RMHW131'], holders: ['RMHW131'] }],
  ['no answer', '', { online: [], holders: [] }]
])('Pacemaker tells that %s', (_what, text, seen) => {
  expect(seenBy(text)).toEqual(seen)
})

test('corosync knows both nodes by their addresses, and misses one after the token it is given', () => {
  const text = corosyncText(300)
  expect(text.match(/ring0_addr: .*|name: RMHW.*|nodeid: .*/g)).toEqual([
    'ring0_addr: 192.168.150.151',
    'name: RMHW131',
    'nodeid: 1',
    'ring0_addr: 192.168.150.152',
    'name: RMHW132',
    'nodeid: 2'
  ])
  expect(text).toContain('  token: 300\n')
  expect(text.match(/\{/g)).toHaveLength(text.match(/\}/g)?.length ?? 0)
})

test('no two things of the cluster have the same id', () => {
  const ids = [...clusterText().matchAll(/ id="([^"]+)"/g)].map(([, id]) => id)
  expect(new Set(ids).size).toBe(ids.length)
  expect(clusterText()).toContain('name="ip" value="192.168.150.130"')
})
