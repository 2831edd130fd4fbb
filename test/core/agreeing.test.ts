import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { createEngine } from '../../agent/engine/createEngine'
import type { Engine } from '../../agent/engine/engine'
import { inForce, type OpenConfig, openConfig, passedSince } from '../../agent/engine/openConfig'
import type { KeptConfig } from '../../agent/ports'
import { parseConfig } from '../../src/model'
import { FakePorts } from '../fakes/fakePorts'
import { A, B } from '../fakes/pairConfig'

const TEXT = `# The pair of the Seoul office.
cluster: seoul-db
nodes:
  ${A}: { address: 192.168.150.151 }
  ${B}: { address: 192.168.150.152 }
links:
  - { name: service, heartbeat: 3002, data: false, ${A}: 192.168.150.151, ${B}: 192.168.150.152 } # the switch upstairs
  - { name: link-0, heartbeat: 3001, ${A}: 22.22.150.131, ${B}: 22.22.150.132 }
jobs:
  DB_Group:
    vips: [ { name: IP-DB_Group, address: 192.168.150.130/16 } ]
`
const CHANGED = TEXT.replaceAll('192.168.150.130', '192.168.150.140')
const LONG_MS = 10_000

interface Node {
  ports: FakePorts
  engine: Engine
  fatal: Promise<unknown>
}
let nodes: Node[] = []
afterEach(async () => {
  for (const { engine, ports } of nodes.splice(0)) {
    await engine.stop()
    ports.end()
  }
})

/** As agent/main.ts begins, with what the node has kept and the file as it is. */
async function start(node: string, { kept = null, text = TEXT }: { kept?: KeptConfig | null; text?: string } = {}): Promise<Node> {
  const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'mp-agreeing-'))
  const file = path.join(directory, 'mirrorpair.yaml')
  fs.writeFileSync(file, text)
  const open: OpenConfig = openConfig(file, read, kept, { node, wallMs: 1 })
  fs.rmSync(directory, { recursive: true })
  const ports = new FakePorts(node, inForce(open.whole, node, open.kept))
  ports.kept = open.kept
  ports.file = text
  const fatal = Promise.withResolvers<unknown>()
  const engine = await createEngine({ places: ports.places, ports: ports.ports, open, configHash: open.kept.agreed.hash, fatal: fatal.resolve })
  const started = { ports, engine, fatal: fatal.promise }
  nodes.push(started)
  return started
}

const read = (file: string) => {
  const answer = parseConfig(fs.readFileSync(file, 'utf8'), file)
  if ('config' in answer) return answer.config
  throw new Error(answer.problems[0]?.message)
}

const together = (a: Node, b: Node): void => {
  a.ports.other = b.ports
  b.ports.other = a.ports
}

async function pair(): Promise<[Node, Node]> {
  const [a, b] = [await start(A), await start(B)]
  together(a, b)
  await agreed(a, b)
  return [a, b]
}

async function until(what: string, met: () => boolean): Promise<void> {
  const endMs = performance.now() + LONG_MS
  while (!met()) {
    if (performance.now() > endMs) throw new Error(`not in time: ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
}

const agreed = (...all: Node[]): Promise<void> =>
  until('agreed', () => all.every(({ engine }) => engine.config().isAgreed && engine.status().peer?.view.configAgreed === true))
const runs = ({ engine, ports }: Node) => ({
  version: engine.config().agreed.version,
  text: engine.config().agreed.text,
  file: ports.file,
  vip: engine.status().self.jobs['DB_Group']?.vips[0]?.address
})
const refusal = (promise: Promise<unknown>) =>
  promise.then(
    () => null,
    (error: { report: { code: string; message: string } }) => error.report
  )

test('two new nodes with the same file agree on it; a change is in force on both, in their files, with who and why', async () => {
  const [a, b] = await pair()
  expect(runs(a)).toMatchObject({ version: 1, vip: '192.168.150.130' })
  const done = await a.engine.changeConfig({ text: CHANGED, base: a.engine.config().agreed.hash, reason: 'the office moves' }, 'root')
  expect(done).toMatchObject({ dryRun: false, version: 2, followed: true, differences: [{ where: 'jobs DB_Group vips IP-DB_Group address' }] })
  for (const node of [a, b]) {
    await until('in force', () => runs(node).vip === '192.168.150.140')
    await until('written', () => node.ports.file === CHANGED)
    expect(node.ports.calls).toContain('guard what there is now')
    expect(node.engine.config()).toMatchObject({ agreed: { version: 2, by: 'root', why: 'the office moves', node: A }, history: [{ version: 1 }] })
  }
})

test('a dry run asks both, says what would change, and changes nothing', async () => {
  const [a, b] = await pair()
  const before = [JSON.stringify(a.ports.kept), JSON.stringify(b.ports.kept)]
  expect(await b.engine.changeConfig({ text: CHANGED, dryRun: true }, 'root')).toMatchObject({
    dryRun: true,
    version: 1,
    differences: [{ after: '"192.168.150.140"' }]
  })
  expect(a.ports.calls.filter((call) => call === 'check config')).toHaveLength(1)
  expect([JSON.stringify(a.ports.kept), JSON.stringify(b.ports.kept)]).toEqual(before)
  expect([a.ports.file, b.ports.file]).toEqual([TEXT, TEXT])
})

test('a wrong one is refused with the same words on both nodes', async () => {
  const [a, b] = await pair()
  const wrong = TEXT.replace('192.168.150.130/16', '192.168.150.152/16')
  const [here, there] = [await refusal(a.engine.changeConfig({ text: wrong }, 'root')), await refusal(b.engine.changeConfig({ text: wrong }, 'root'))]
  expect(here).toMatchObject({ code: 'E_CONFIG_WRONG' })
  expect(here?.message.replace(A, B)).toBe(there?.message)
  expect(here?.message).toContain("is already the node's own address on RMHW132")
  expect(here).toMatchObject({ tryThis: expect.stringContaining('Use a free address') })
})

test('what one machine cannot do is refused for both, in its own words', async () => {
  const [a, b] = await pair()
  b.ports.hold('check config').fail('no such network card here')
  expect(await refusal(a.engine.changeConfig({ text: CHANGED }, 'root'))).toMatchObject({ message: expect.stringContaining('no such network card here') })
  expect([runs(a).version, runs(b).version]).toEqual([1, 1])
})

test('what stands in the way on both nodes is told at once, each in the words of its node; warnings of both come with the answer', async () => {
  const [a, b] = await pair()
  const report = (node: string) => ({ code: 'E_CONFIG_PATH', message: `${node} has no such folder.`, tryThis: 'Make it.', exitCode: 5 as const, node })
  const folder = { job: 'DB_Group', place: 0, path: '/srv/db', counted: true, freeBytes: 1_000_000 }
  a.ports.checked = { problems: [report(A)], warnings: [], folders: [] }
  b.ports.checked = { problems: [report(B)], warnings: [], folders: [] }
  const refused = await refusal(a.engine.changeConfig({ text: CHANGED }, 'root'))
  expect(refused).toMatchObject({ code: 'E_CONFIG_CHECKS' })
  expect(refused?.message).toBe(
    `2 things stand in its way, and nothing was changed:\n${A} has no such folder. Try: Make it.\n${B} has no such folder. Try: Make it.`
  )
  expect([runs(a).version, runs(b).version]).toEqual([1, 1])

  a.ports.checked = { problems: [], warnings: [`${A}: its card has no link.`], folders: [{ ...folder, bytes: 9_000_000, empty: false }] }
  b.ports.checked = { problems: [], warnings: [], folders: [{ ...folder, bytes: 0, empty: true }] }
  const done = await a.engine.changeConfig({ text: CHANGED }, 'root')
  expect(done.warnings).toEqual([`${A}: its card has no link.`, `${B}: the first copy of DB_Group needs 8.6 MiB in /srv/db, and there is room for 976.6 KiB.`])
  expect(done.version).toBe(2)
})

test('a job that was taken away is gone on both before another one of its name comes, though the other node had not heard of it', async () => {
  const [a, b] = await pair()
  const without = TEXT.replace(/jobs:[\s\S]*/, 'jobs: {}\n')
  a.ports.hold('send configAgreed').fail('lost on the way')
  await a.engine.changeConfig({ text: without }, 'root')
  expect(runs(b).version).toBe(1)
  // As the whole, which asks for nothing of before.
  expect(await refusal(a.engine.changeConfig({ text: CHANGED }, 'root'))).toMatchObject({ code: 'E_CONFIG_BUSY' })
  await until('it has asked', () => runs(b).version === 2)
  expect(b.engine.status().self.jobs).toEqual({})
  await a.engine.changeConfig({ text: CHANGED }, 'root')
  await until('in force', () => runs(b).vip === '192.168.150.140')
})

test('a peer that does not answer: nothing is changed', async () => {
  const [a, b] = await pair()
  a.ports.other = null
  expect(await refusal(a.engine.changeConfig({ text: CHANGED }, 'root'))).not.toBeNull()
  expect([runs(a).version, runs(b).version]).toEqual([1, 1])
})

test('all links at once are refused; names and ports of the agents too; a change of something that has changed since as well', async () => {
  const [a] = await pair()
  const all = TEXT.replace('heartbeat: 3002', 'heartbeat: 4002').replace('heartbeat: 3001', 'heartbeat: 4001')
  expect(await refusal(a.engine.changeConfig({ text: all }, 'root'))).toMatchObject({ code: 'E_CONFIG_LINKS' })
  expect(await refusal(a.engine.changeConfig({ text: TEXT.replace('seoul-db', 'busan-db') }, 'root'))).toMatchObject({ code: 'E_CONFIG_STOPPED' })
  expect(await refusal(a.engine.changeConfig({ text: CHANGED, base: 'of long ago' }, 'root'))).toMatchObject({ code: 'E_CONFIG_BASE' })
})

describe('a crash of either node at each step ends with both on the same', () => {
  /** The disk of a node that dies stays as it was at that moment. */
  const dies = async (node: Node): Promise<KeptConfig> => {
    const kept = structuredClone(node.ports.kept!)
    nodes = nodes.filter((each) => each !== node)
    await node.engine.stop()
    node.ports.end()
    return kept
  }

  const meet = async (a: Node, b: Node): Promise<string[]> => {
    together(a, b)
    await until(
      'the same',
      () => runs(a).version === runs(b).version && a.ports.kept!.prepared === null && b.ports.kept!.prepared === null && a.ports.file === b.ports.file
    )
    return [a.ports.file, b.ports.file]
  }

  test('the other one has promised, and the one that asked dies before it has decided: the old one', async () => {
    const [a, b] = await pair()
    const cut = b.ports.hold('save config')
    const asked = refusal(a.engine.changeConfig({ text: CHANGED }, 'root'))
    await until('asked', () => b.ports.calls.filter((call) => call === 'save config').length > 2)
    const kept = await dies(a)
    cut.go()
    await asked
    await until('promised', () => b.ports.kept!.prepared !== null)
    expect(await meet(await start(A, { kept }), b)).toEqual([TEXT, TEXT])
  })

  test('it dies when it has decided, and nobody was told: the new one', async () => {
    const [a, b] = await pair()
    const told = a.ports.hold('send configAgreed')
    const asked = refusal(a.engine.changeConfig({ text: CHANGED }, 'root'))
    await a.ports.called('send configAgreed')
    expect(b.ports.kept!.prepared?.text).toBe(CHANGED)
    const kept = await dies(a)
    told.fail('it died')
    await asked
    expect(await meet(await start(A, { kept: { ...kept, fileWritten: false }, text: TEXT }), b)).toEqual([CHANGED, CHANGED])
  })

  test('the other one dies with its promise on disk: it comes back by the old one, and learns the new one', async () => {
    const [a, b] = await pair()
    const told = a.ports.hold('send configAgreed')
    const asked = a.engine.changeConfig({ text: CHANGED }, 'root')
    await a.ports.called('send configAgreed')
    const kept = await dies(b)
    expect(kept.prepared?.text).toBe(CHANGED)
    told.fail('nobody there')
    expect(await asked).toMatchObject({ version: 2, followed: false })
    expect(await meet(a, await start(B, { kept }))).toEqual([CHANGED, CHANGED])
  })

  test('a disk that takes nothing any more ends the engine: what is not kept is not gone by', async () => {
    const [a, b] = await pair()
    a.ports.hold('save config').fail('no space')
    const asked = refusal(a.engine.changeConfig({ text: CHANGED }, 'root'))
    await a.fatal
    expect(runs(b).vip).toBe('192.168.150.130')
    await a.engine.stop()
    void asked
  })
})

test('edited by hand on one node: it counts for nothing, both say so, and one whole configuration ends it', async () => {
  const [a, b] = await pair()
  const kept = structuredClone(b.ports.kept!)
  nodes = nodes.filter((node) => node !== b)
  await b.engine.stop()
  const edited = await start(B, { kept, text: CHANGED })
  together(a, edited)
  await until('seen', () => a.engine.status().problems.some((line) => line.includes('configurations')))
  const said = 'was edited by hand since version 1: RMHW132 goes by it, and it counts as agreed when RMHW131 goes by the same'
  expect(edited.ports.events.filter((line) => line.endsWith(said))).toHaveLength(1)
  expect(edited.engine.config()).toMatchObject({ isAgreed: false, agreed: { version: 1, by: 'an editor' }, history: [{ version: 1, text: TEXT }] })
  expect(await refusal(a.engine.changeConfig({ text: CHANGED, base: a.engine.config().agreed.hash }, 'root'))).toMatchObject({ code: 'E_CONFIG_BASE' })
  await a.engine.changeConfig({ text: CHANGED }, 'root')
  await agreed(a, edited)
  expect([runs(a).version, runs(edited).version]).toEqual([2, 2])
})

test('what was gone by since the last one that is nowhere left any more is known, oldest first', () => {
  const made = (version: number) => ({
    version,
    hash: String(version),
    text: '',
    by: 'root',
    why: null,
    node: A,
    wallMs: 0,
    witnessSince: 0,
    id: String(version)
  })
  const history = [4, 3, 2, 1].map(made)
  expect(passedSince({ before: made(2), history }).map(({ version }) => version)).toEqual([3, 4])
  expect(passedSince({ before: made(4), history })).toEqual([])
  expect(passedSince({ before: null, history })).toEqual([])
})
