import { setTimeout as delay } from 'node:timers/promises'
import { Login } from '../../../agent/api/login'
import type { Places } from '../../../agent/ports'
import { configText, readConfig } from './kit'

jest.mock('node:timers/promises', () => ({ setTimeout: jest.fn(async () => undefined) }))

const STEP_MS = 1_000

test.each([0, 3, 700, 1_000, 1_001, 2_500])(
  'a check that took %i ms is refused at a whole multiple of a second: its time does not tell what was looked up',
  async (tookMs) => {
    const places = { node: 'RMHW131', config: readConfig(configText(71, 47_371)), stateDirectory: '/nowhere' } as Places
    const login = new Login(places, { nowMs: () => 0 })
    let nowMs = 5_000
    const clock = jest.spyOn(performance, 'now').mockImplementation(() => nowMs)
    const checks = login as unknown as { verify(): Promise<null> }
    jest.spyOn(checks, 'verify').mockImplementation(async () => {
      nowMs += tookMs
      return null
    })
    const refused = await login.check({ account: 'kim', password: 'wrong' }, '127.0.0.1').catch((error: { report: { code: string } }) => error.report.code)
    clock.mockRestore()
    await login.close()
    expect(refused).toBe('E_LOGIN_REFUSED')
    expect(jest.mocked(delay).mock.lastCall?.[0]).toBe(Math.max(1, Math.ceil(tookMs / STEP_MS)) * STEP_MS - tookMs)
  }
)
