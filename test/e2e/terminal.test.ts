import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { widthOf } from '../../commands/kit/text'
import { describeOnline, ONLINE_TIMEOUT_MS } from './kit/describeLab'
import { FOLDER, JOB, otherNode } from './kit/lab'
import { dist, NODE } from './kit/programs'
import { Tmux } from './kit/tmux'

const TEST_TIMEOUT_MS = 400_000
const WAITING_MIB = 16
const EXAMPLE = path.join(__dirname, '..', '..', 'man', 'examples', 'pair.yaml')
const KOREAN: [RegExp, string][] = [
  [/seoul-db/g, '서울-디비'],
  [/RMHW131/g, '본사서버'],
  [/RMHW132/g, '대기서버'],
  [/DB_Group/g, '주문_디비']
]
const SIZES = [
  [80, 24],
  [200, 50]
] as const

let terminal: Tmux | null = null
afterEach(() => {
  terminal?.end()
  terminal = null
})
const on = (command: string[], [columns, rows]: readonly [number, number], env: Record<string, string> = {}): Tmux => {
  terminal = new Tmux(command, columns, rows, env)
  return terminal
}

/** Where each column of a table begins, counted in columns of the terminal: the same in every row. */
const columnOf = (line: string, word: string): number => widthOf(line.slice(0, line.indexOf(word)))

describe('the shell in a real terminal, on a simulated pair whose job and nodes have Korean names', () => {
  let folder: string
  let file: string
  beforeAll(() => {
    folder = fs.mkdtempSync(path.join(os.tmpdir(), 'cui-terminal-'))
    file = path.join(folder, 'pair.yaml')
    fs.writeFileSync(
      file,
      KOREAN.reduce((text, [from, to]) => text.replace(from, to), fs.readFileSync(EXAMPLE, 'utf8'))
    )
  })
  afterAll(() => fs.rmSync(folder, { recursive: true }))
  const shell = (size: readonly [number, number]) => on([NODE, dist('cui'), '--sim', file], size, { MIRRORPAIR_HOME: folder })

  test.each(SIZES)(
    'on %i columns and %i lines nothing goes over the edge, and what stands in a column stands below its title',
    async (...size) => {
      const shown = shell(size)
      await shown.sees('cui(sim)>')
      shown.type('bringin 주문_디비')
      await shown.sees('(Yes/No)')
      expect(shown.brokenLines()).toEqual([])
      shown.type('yes')
      const table = (await shown.sees(/주문_디비 +online[\s\S]*cui\(sim\)>$/)).split('\n')
      const [title, row] = [/^Job +State/, /^주문_디비 +online/].map((form) => table.find((line) => form.test(line)) ?? '')
      expect(columnOf(row ?? '', 'online')).toBe(columnOf(title ?? '', 'State'))
      expect(columnOf(row ?? '', '본사서버')).toBe(columnOf(title ?? '', 'Activite'))
      for (const line of ['hbtstate', 'help', 'help switch', 'why', 'ready 주문_디비', 'history 주문_디비', 'switch DB_Group', 'log --last 20']) {
        shown.press('C-l')
        shown.type(line)
        await shown.sees(new RegExp(`${line}\\n[\\s\\S]*cui\\(sim\\)>$`))
        expect({ line, broken: shown.brokenLines() }).toEqual({ line, broken: [] })
      }
    },
    TEST_TIMEOUT_MS
  )

  test(
    'watch survives a resize to anything, its sections have keys, and Ctrl-C gives the prompt back',
    async () => {
      const shown = shell(SIZES[0])
      await shown.sees('cui(sim)>')
      shown.type('bringin 주문_디비 --yes')
      await shown.sees(/주문_디비 +online[\s\S]*cui\(sim\)>$/)
      shown.type('watch')
      await shown.sees('q: end')
      for (const size of [SIZES[1], [50, 12] as const, [20, 5] as const, SIZES[0]]) {
        shown.resize(size[0], size[1])
        await shown.sees(size[0] < 50 ? 'q: end' : new RegExp(`q: end[\\s\\S]{0,${size[0]}}$`))
        expect(shown.brokenLines()).toEqual([])
      }
      shown.press('h')
      await shown.sees(/^HBT +대기서버 +본사서버$/m)
      shown.press('m')
      await shown.sees('mirroring_role_desc')
      shown.press('C-c')
      await shown.sees(/cui\(sim\)>watch\ncui\(sim\)>$/)
    },
    TEST_TIMEOUT_MS
  )
})

describeOnline('the shell in a real terminal, on a real pair', { options: ['--application', 'kv'] }, (lab) => {
  const shell = () => on(lab.command(['cui']), SIZES[0])

  test(
    'Ctrl-C at a question changes nothing; Ctrl-C at a running command leaves a prompt, and what has begun is done to its end; Ctrl-D ends the shell',
    async () => {
      const shown = shell()
      await shown.sees('cui>')
      shown.type(`bringout ${JOB}`)
      await shown.sees('(Yes/No)')
      shown.press('C-c')
      await shown.sees(/cui>$/)
      expect((await lab.now('RMHW131')).phase).toBe('online')

      // What waits to be sent makes the switch take long: it is not over before Ctrl-C is typed.
      await lab.done(['bandwidth', JOB, '1MiB'])
      await lab.said('RMHW131', ['dd', 'if=/dev/urandom', `of=${FOLDER}/waits`, 'bs=1M', `count=${WAITING_MIB}`, 'status=none'])
      shown.type(`switch ${JOB} --yes`)
      await shown.sees('Send switch Job command succeeded!')
      shown.press('C-c')
      await shown.sees(/Left alone; what a node has begun goes on there\. Try: allstate\ncui>$/)
      await lab.online('RMHW132', ONLINE_TIMEOUT_MS)
      await lab.done(['bandwidth', JOB, 'off'])

      shown.press('half a li', 'C-c', 'C-d')
      await shown.sees('ended with 0')
    },
    TEST_TIMEOUT_MS
  )

  test(
    'watch and log --follow show a switch while it happens, typed elsewhere; q and Ctrl-C give the prompt back',
    async () => {
      const owner = await lab.settled(Date.now(), ONLINE_TIMEOUT_MS)
      const other = otherNode(owner)
      const shown = shell()
      await shown.sees('cui>')
      shown.type('watch')
      await shown.sees(new RegExp(`^${JOB} +online +${owner}`, 'm'))
      await lab.done(['switch', JOB, '--yes'])
      await shown.sees(new RegExp(`^${JOB} +online +${other}`, 'm'))
      expect(shown.brokenLines()).toEqual([])
      shown.press('q')
      await shown.sees(/cui>watch\ncui>$/)

      shown.type(`log --follow --last 1 --job ${JOB} --node ${owner}`)
      // It has begun when the last event stands there.
      await shown.sees(new RegExp(`--node ${owner}\\n\\d{4}-.* \\| `))
      await lab.settled(Date.now(), ONLINE_TIMEOUT_MS)
      await lab.done(['switch', JOB, '--yes'])
      await shown.sees(`${JOB} is online on ${owner}`)
      expect(shown.brokenLines()).toEqual([])
      shown.press('C-c')
      await shown.sees(/\ncui>$/)
    },
    TEST_TIMEOUT_MS
  )
})
