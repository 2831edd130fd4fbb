import { EtcdLogins } from '../../../agent/witness/etcdLogins'

/** Logins that end when the test says so. */
function byHand() {
  const asked: { place: number; done: (token: string) => void; refuse: (why: string) => void }[] = []
  const login = (place: number) => new Promise<string>((resolve, reject) => asked.push({ place, done: resolve, refuse: (why) => reject(new Error(why)) }))
  return { asked, logins: new EtcdLogins(login) }
}

test('a login that is slower than a vote goes on, and the next question has its token', async () => {
  const { asked, logins } = byHand()
  await expect(logins.token(0, 1)).rejects.toThrow('no answer in time')
  const next = logins.token(0, 60_000)
  expect(asked.length).toBe(1)
  asked[0]?.done('t')
  expect(await next).toBe('t')
})

test('while one member keeps silent, the token of the next one is everybody’s', async () => {
  const { asked, logins } = byHand()
  const first = logins.token(0, 60_000)
  await expect(logins.token(1, 1)).rejects.toThrow('no answer in time')
  const again = logins.token(0, 60_000)
  asked[1]?.done('of the second')
  expect(await again).toBe('of the second')
  asked[0]?.done('of the first')
  expect(await first).toBe('of the first')
})

test('a refusal is told to those who wait for it, and the next question tries again', async () => {
  const { asked, logins } = byHand()
  const refused = logins.token(0, 60_000)
  asked[0]?.refuse('wrong password')
  await expect(refused).rejects.toThrow('wrong password')
  const next = logins.token(0, 60_000)
  asked[1]?.done('t')
  expect(await next).toBe('t')
})
