import fs from 'node:fs'
import { createAgentsPort } from '../../../agent/adapters'
import { readMetadata } from '../../../agent/adapters/applications/ocf/metadata'
import { parseAgentName } from '../../../src/model'

const TEXT = `
<?xml version="1.0"?>
<!DOCTYPE resource-agent SYSTEM "ra-api-1.dtd">
<resource-agent name="db" version="0.9">
<version>1.0</version>
<longdesc lang="de">Deutsch</longdesc>
<longdesc lang="en">
First line
 goes on &amp; on.

Second &lt;part&gt;.
</longdesc>
<shortdesc lang="en">A
 database</shortdesc>
<parameters>
<parameter name="mode" unique-group="a"><longdesc/><shortdesc lang="en">How</shortdesc>
  <content type="select" default="fast"><option value="fast"/><option value="safe"/></content></parameter>
<parameter name="dir" required="1" unique="1"><content type="string"/></parameter>
<parameter name="old"><deprecated><desc>no more</desc></deprecated><content type="string" default=""/></parameter>
</parameters>
<actions><action name="start" timeout="120s"/><action name="monitor" depth="0" timeout="30" interval="10000ms"/><action name="meta-data" timeout="5"/></actions>
</resource-agent>`

test('what an agent says of itself, in the words of the API and in English', () => {
  expect(readMetadata('ocf:test:db', TEXT)).toMatchObject({
    agent: 'ocf:test:db',
    version: '0.9',
    summary: 'A database',
    description: 'First line goes on & on.\nSecond <part>.',
    parameters: [
      { name: 'mode', type: 'select', choices: ['fast', 'safe'], byDefault: 'fast', unique: true, required: false, deprecated: false, summary: 'How' },
      { name: 'dir', type: 'string', choices: [], byDefault: null, unique: true, required: true },
      { name: 'old', deprecated: true, byDefault: '' }
    ],
    actions: [
      { name: 'start', timeoutMs: 120_000, intervalMs: null },
      { name: 'monitor', timeoutMs: 30_000, intervalMs: 10_000 },
      { name: 'meta-data', timeoutMs: 5_000 }
    ]
  })
})

const nested = `<resource-agent>${'<a>'.repeat(40)}${'</a>'.repeat(40)}</resource-agent>`
test.each([
  ['nothing', '', /no XML/],
  ['something else', '<html></html>', /not that of a resource agent/],
  ['broken', '<resource-agent><parameters>', /no XML/],
  ['an entity of its own', '<!DOCTYPE x [<!ENTITY a "aaaa">]><resource-agent>&a;</resource-agent>', /no XML: .*undefined entity/],
  ['nested without end', nested, /nested too deep/],
  ['far too long', `<resource-agent>${' '.repeat(1024 * 1024)}</resource-agent>`, /longer than/]
])('%s is refused', (_what, text, why) => {
  expect(() => readMetadata('ocf:test:db', text)).toThrow(why)
})

const installed = fs.existsSync('/usr/lib/ocf/resource.d/heartbeat') ? test : test.skip

installed(
  'every agent of heartbeat can be read, and is asked once',
  async () => {
    const port = createAgentsPort()
    const names = await port.list()
    expect(names).toEqual(expect.arrayContaining(['ocf:heartbeat:Dummy', 'ocf:heartbeat:IPaddr2', 'ocf:heartbeat:pgsql']))
    const some = names.filter((name) => /:(Dummy|IPaddr2|pgsql|Filesystem|nginx|mysql)$/.test(name)).map((name) => parseAgentName(name)!)
    const described = await Promise.all(some.map((name) => port.describe(name)))
    expect(described.flatMap(({ agent, parameters }) => (parameters.length > 0 ? [] : [agent]))).toEqual([])
    expect(described.find(({ agent }) => agent.endsWith(':IPaddr2'))?.parameters.find(({ name }) => name === 'ip')).toMatchObject({
      required: true,
      type: 'string'
    })
    expect(await port.describe(some[0]!)).toBe(described[0])
  },
  30_000
)
