import { parentPort, receiveMessageOnPort, workerData, type MessagePort } from 'node:worker_threads'
import { type KeeperGiven, type KeeperOrder, MarkKeeper } from './markKeeper'
import { MarkRing } from './markRing'

/** The thread that makes the marks of a folder hard. */
const LOOK_MS = 500

export type DirtyMarksData = KeeperGiven & { orders: MessagePort }

const given = workerData as DirtyMarksData
const ring = new MarkRing(given.ring)
const keeper = new MarkKeeper(
  given,
  ring,
  (news) => parentPort?.postMessage(news),
  () => performance.now()
)

/** True: stop. */
function obey(): boolean {
  for (let received = receiveMessageOnPort(given.orders); received !== undefined; received = receiveMessageOnPort(given.orders)) {
    const order = received.message as KeeperOrder
    if (order.do === 'stop') return true
    keeper.obey(order)
  }
  return false
}

keeper.start()
for (;;) {
  const seen = ring.signals()
  if (obey()) break
  keeper.round()
  ring.sleep(seen, Math.min(LOOK_MS, given.limits.rotateMs))
}
keeper.stop()
given.orders.close()
