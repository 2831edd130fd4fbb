import { execFileSync } from 'node:child_process'
import fs from 'node:fs'
import path from 'node:path'
import { maySteer } from '../../../agent/api/accounts'
import { pamService } from '../../../agent/native/pam'
import { call, configText, login, makeKeys, type Node, PASSWORD, startNode } from './kit'

/** Real accounts of this machine, made for the test and removed after it. */
const ACCOUNT = `mp${process.pid % 100_000}`
const GROUP = `${ACCOUNT}g`
const root = process.getuid?.() === 0
const usable = root && pamService() !== null
const run = (file: string, args: string[], input = '') => execFileSync(file, args, { input, stdio: ['pipe', 'ignore', 'pipe'] })

if (!usable) {
  test('PAM cannot be tried here', () => {
    // Without root the system's passwords cannot be read, and no account can be made.
    if (process.env['CI'] === 'true') throw new Error('In CI these tests must run: as root, with PAM installed.')
    process.stdout.write(`PAM was not tried: ${root ? 'no PAM service on this machine' : 'not root'}\n`)
  })
} else {
  describe('login with an account of the system', () => {
    let folder: string
    let node: Node

    beforeAll(async () => {
      run('groupadd', [GROUP])
      run('useradd', ['-M', '-s', '/bin/false', '-G', GROUP, ACCOUNT])
      run('chpasswd', [], `${ACCOUNT}:${PASSWORD}\n`)
      folder = await makeKeys(`${configText(53, 47303, 'pam').replace('login: pam', `login: pam, group: ${GROUP}`)}`)
    })
    beforeEach(async () => {
      node = await startNode('RMHW131', folder)
    })
    afterEach(() => node.stop())
    afterAll(() => {
      for (const [file, name] of [
        ['userdel', ACCOUNT],
        ['groupdel', GROUP]
      ] as const)
        run(file, [name])
      fs.rmSync(folder, { recursive: true, force: true })
    })

    test('the right password opens a session, a wrong one and an unknown account do not', async () => {
      const [right, wrong, unknown] = await Promise.all([login(node, ACCOUNT, PASSWORD), login(node, ACCOUNT, 'wrong'), login(node, `${ACCOUNT}x`, PASSWORD)])
      expect(right).toMatchObject({ status: 200, body: { account: `M${ACCOUNT.slice(1)}` } })
      expect([wrong.body.error.code, unknown.body.error.code]).toEqual(['E_LOGIN_REFUSED', 'E_LOGIN_REFUSED'])
      expect((await call(node, 'GET', '/v1/status', { token: right.body.token })).status).toBe(200)
    }, 30_000)

    test('who is taken out of the group is out at once, and told so at the next login', async () => {
      const { body } = await login(node, ACCOUNT, PASSWORD)
      run('gpasswd', ['-d', ACCOUNT, GROUP])
      try {
        expect((await call(node, 'GET', '/v1/status', { token: body.token })).status).toBe(401)
        expect((await login(node, ACCOUNT, PASSWORD)).body.error).toMatchObject({
          code: 'E_LOGIN_NOT_ALLOWED',
          exitCode: 4,
          tryThis: expect.stringContaining(GROUP)
        })
      } finally {
        run('gpasswd', ['-a', ACCOUNT, GROUP])
      }
    }, 30_000)

    test('a locked account is refused, and one that has expired is told why', async () => {
      run('usermod', ['-L', ACCOUNT])
      expect((await login(node, ACCOUNT, PASSWORD)).body.error.code).toBe('E_LOGIN_REFUSED')
      run('usermod', ['-U', '-e', '1970-01-02', ACCOUNT])
      expect((await login(node, ACCOUNT, PASSWORD)).body.error).toMatchObject({ code: 'E_LOGIN_ACCOUNT', message: expect.stringMatching(/expired/i) })
      run('usermod', ['-e', '', ACCOUNT])
      expect((await login(node, ACCOUNT, PASSWORD)).status).toBe(200)
    }, 30_000)
  })
}

test('without PAM and without users nobody gets in, and the answer says what to do', async () => {
  const folder = await makeKeys(configText(54, 47304))
  const node = await startNode('RMHW131', folder)
  expect(await login(node, 'root', 'x')).toMatchObject({
    status: 503,
    body: { error: { code: 'E_LOGIN_UNAVAILABLE', tryThis: expect.stringContaining('users add') } }
  })
  await node.stop()
  fs.rmSync(folder, { recursive: true })
})

test('the group counts by its list and as the first group of an account; root needs none', () => {
  const folder = fs.mkdtempSync('/tmp/mirrorpair-accounts-')
  const files = { passwd: path.join(folder, 'passwd'), group: path.join(folder, 'group') }
  fs.writeFileSync(files.passwd, 'root:x:0:0::/:\ntoor:x:0:0::/:\nkim:x:1000:1000::/:\nlee:x:1001:77::/:\npark:x:1002:1002::/:\n')
  fs.writeFileSync(files.group, 'ops:x:77:kim,choi\nnobody:x:99:\n')
  expect(['root', 'toor', 'kim', 'lee', 'park', 'nobody', ''].filter((account) => maySteer(account, 'ops', files))).toEqual(['root', 'toor', 'kim', 'lee'])
  expect(maySteer('kim', 'missing', files)).toBe(false)
  fs.rmSync(folder, { recursive: true })
})
