import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { dist, NODE } from './kit/programs'
import { Tmux } from './kit/tmux'

const TEST_TIMEOUT_MS = 220_000
const EXAMPLE = path.join(__dirname, '..', '..', 'man', 'examples', 'pair.yaml')
const SMALL = [80, 24] as const

describe('a job made page by page in a real terminal of 80 columns and 24 lines, on a simulated pair', () => {
  let folder: string
  let terminal: Tmux
  beforeEach(async () => {
    folder = fs.mkdtempSync(path.join(os.tmpdir(), 'cui-dialogue-'))
    terminal = new Tmux([NODE, dist('cui'), '--sim', EXAMPLE], ...SMALL, { MIRRORPAIR_HOME: folder })
    await terminal.sees('cui(sim)>')
  }, TEST_TIMEOUT_MS)
  afterEach(() => {
    terminal.end()
    fs.rmSync(folder, { recursive: true })
  })
  const answer = async (...pages: [question: string | RegExp, typed: string][]) => {
    for (const [question, typed] of pages) {
      await terminal.sees(question)
      expect(terminal.brokenLines()).toEqual([])
      terminal.type(typed)
    }
  }

  test(
    'each page fits, Ctrl-C leaves a prompt and nothing changed, and a job with a Korean name comes of it',
    async () => {
      terminal.type('job create 주문_웹')
      await answer([/\? Folder to mirror/, '/srv/web'], [/\? Left out of \/srv\/web/, ''])
      await terminal.sees(/\? Folder to mirror[^\n]*$/)
      terminal.press('C-c')
      await terminal.sees(/nothing was changed[\s\S]*cui\(sim\)>$/)
      terminal.type('jobstate')
      expect(await terminal.sees(/DB_Group +offline[\s\S]*cui\(sim\)>$/)).not.toContain('주문_웹 ')

      terminal.type('job create 주문_웹')
      await answer([/\? Folder to mirror[^\n]*\n*$/, 'srv/web'])
      await terminal.sees('does not begin with /')
      expect(terminal.brokenLines()).toEqual([])
      terminal.press('C-u')
      terminal.type('/srv/web')
      await answer(
        [/\? Left out of/, '*.tmp'],
        [/\? Replicated all the same/, 'keep.tmp'],
        [/\? Folder to mirror[^\n]*$/, ''],
        [/\? Which node has the right data/, '']
      )
      await terminal.sees(/\? Mode:/)
      terminal.press('Home', 'Up', 'Up', 'Up')
      await answer([/❯ guide/, ''], [/\? Safety:/, ''], [/\? Virtual address/, '192.168.150.131/16'], [/\? Its name:/, ''], [/\? Network cards/, ''])
      await answer([/\? Virtual address[^\n]*$/, ''], [/\? Application, its name/, 'NGINX'], [/\? What is NGINX/, ''], [/\? Unit:/, 'nginx'])
      await answer([/\? Other settings of NGINX/, ''], [/\? Application, its name[^\n]*$/, ''], [/\? Restarts of what fails/, ''], [/\? Counted within/, ''])
      await answer([/Do you really want to create the job 주문_웹\? \(Yes\/No\)/, 'yes'])
      const end = await terminal.sees(/wait 주문_웹 synchronized waits\s+for it\.[\s\S]*cui\(sim\)>$/)
      expect(end).toContain('주문_웹 is offline on RMHW131, which owns it.')
      expect(terminal.brokenLines()).toEqual([])
      terminal.type('bringin 주문_웹 --yes')
      await terminal.sees(/주문_웹 +online +RMHW131[\s\S]*cui\(sim\)>$/)
    },
    TEST_TIMEOUT_MS
  )
})
