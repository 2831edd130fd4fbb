import tls from 'node:tls'
import type { AddressInfo } from 'node:net'
import { callAgent, type Call } from '../../commands/kit/client'
import { makeCertificate } from './certificate'

let server: tls.Server
afterEach(() => server.close())

/** What answers there does with each request what it likes. */
async function at(answer: (socket: tls.TLSSocket) => void): Promise<(call: Partial<Call>) => Promise<unknown>> {
  server = tls.createServer(await makeCertificate('RMHW131'), (socket) => {
    socket.on('error', () => undefined).once('data', () => answer(socket))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const door = { address: '127.0.0.1', port: (server.address() as AddressInfo).port, fingerprint: null }
  return (call) => callAgent(door, { method: 'GET', path: '/v1/status', answerMs: 500, ...call })
}

test('an answer that comes in drops and never ends is given up', async () => {
  const ask = await at((socket) => {
    socket.write('HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n\r\n{"node":"')
    const drops = setInterval(() => socket.write('x'), 100)
    socket.on('close', () => clearInterval(drops))
  })
  await expect(ask({})).rejects.toMatchObject({ report: { code: 'E_UNREACHABLE', message: expect.stringContaining('its answer did not end in time') } })
}, 15_000)

test.each([
  ['a question', {}, 'E_UNREACHABLE'],
  ['a command', { method: 'POST', changes: true }, 'E_ANSWER_LOST']
] as const)('the node dies with %s in its hands', async (_what, call, code) => {
  const ask = await at((socket) => void socket.destroy())
  await expect(ask(call)).rejects.toMatchObject({ report: { code, exitCode: 3, message: expect.stringContaining('the connection was cut') } })
})

test('a command that never left is told as what it is: nobody answers there', async () => {
  const ask = await at(() => undefined)
  await new Promise((resolve) => server.close(resolve))
  await expect(ask({ method: 'POST', changes: true })).rejects.toMatchObject({ report: { code: 'E_UNREACHABLE' } })
})
