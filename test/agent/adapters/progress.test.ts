import { Progress } from '../../../agent/adapters/data/progress'

const STALL_MS = 150
const POLL_MS = 5
const MOVE_MS = 20

test('a source that applies a long redo log is waited for as long as it moves, and given up when it stands still', async () => {
  const progress = new Progress()
  const beginMs = performance.now()
  const stalled = progress.stalled('DB_Group', STALL_MS, POLL_MS)
  let lastMs = beginMs
  let left = 20
  const moves = setInterval(() => {
    left -= 1
    if (left >= 0) lastMs = performance.now()
    progress.see('DB_Group', `${Math.max(left, 0)} bytes left`)
    progress.see('Other_Group', `${performance.now()}`)
  }, MOVE_MS)
  await stalled
  clearInterval(moves)
  stalled.cancel()
  expect(left).toBeLessThanOrEqual(0)
  expect(performance.now() - lastMs).toBeGreaterThanOrEqual(STALL_MS - POLL_MS)
})
