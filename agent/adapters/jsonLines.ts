import type net from 'node:net'
import { StringDecoder } from 'node:string_decoder'

/** Cuts a stream into lines and reads each as JSON; a line that is too long or is no JSON ends the connection. */
export function onJsonLines(socket: net.Socket, lineLengthMax: number, receive: (value: unknown) => void): void {
  const decoder = new StringDecoder('utf8')
  let rest = ''
  socket.on('data', (bytes) => {
    const lines = (rest + decoder.write(bytes as Buffer)).split('\n')
    rest = lines.pop() ?? ''
    for (const line of lines) if (!receiveLine(line, receive)) return void socket.destroy()
    if (rest.length > lineLengthMax) socket.destroy()
  })
}

function receiveLine(line: string, receive: (value: unknown) => void): boolean {
  if (line === '') return true
  let value: unknown
  try {
    value = JSON.parse(line)
  } catch {
    return false
  }
  receive(value)
  return true
}

/** False when the other side does not read: its connection is ended rather than let the queue grow. */
export function sendJsonLine(socket: net.Socket, value: unknown, queueBytesMax: number): boolean {
  if (socket.destroyed || !socket.writable) return false
  if (socket.writableLength > queueBytesMax) {
    socket.destroy()
    return false
  }
  socket.write(`${JSON.stringify(value)}\n`)
  return true
}
