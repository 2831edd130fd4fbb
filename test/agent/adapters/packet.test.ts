import { decodePacket, encodePacket, nameId, type Packet } from '../../../agent/adapters/heartbeat/packet'
import { SequenceWindow } from '../../../agent/adapters/heartbeat/window'

const KEY = Buffer.from(Array.from({ length: 32 }, (_, index) => index))
const PACKET: Packet = {
  cluster: nameId('seoul-db'),
  sender: nameId('RMHW131'),
  link: nameId('link-0'),
  incarnation: 0x0102030405060708n,
  sequence: 42n,
  echoIncarnation: 0x1112131415161718n,
  echoSequence: 41n,
  engineSilentMs: 250,
  leaving: false,
  hears: true
}

/** The vector of the manual: any implementation must make the same bytes. */
const VECTOR =
  '4d5048420102000090c7f896bb834817835766dad640ff54fc7b7ec8d66d587608070605040302012a0000000000000018171615141312112900000000000000fa00000000000000' +
  'e6366bfccbe6cc48ea16dccb09c9aaef1e5f62694bb7037c3ab9980f7a938ffb'

describe('the heartbeat packet', () => {
  test('test vector', () => {
    expect(encodePacket(PACKET, KEY).toString('hex')).toBe(VECTOR)
  })

  test('what was encoded comes back', () => {
    for (const change of [{}, { leaving: true, hears: false }, { sequence: 2n ** 63n }, { engineSilentMs: 0xffff_ffff }]) {
      expect(decodePacket(encodePacket({ ...PACKET, ...change }, KEY), KEY)).toEqual({ ...PACKET, ...change })
    }
  })

  test('one bit anywhere, another key, another length: nothing', () => {
    const bytes = encodePacket(PACKET, KEY)
    for (let at = 0; at < bytes.length; at++) {
      const damaged = Buffer.from(bytes)
      damaged[at] = (damaged[at] ?? 0) ^ 1
      expect(decodePacket(damaged, KEY)).toBeNull()
    }
    expect(decodePacket(bytes, Buffer.alloc(32))).toBeNull()
    expect(decodePacket(bytes.subarray(0, 103), KEY)).toBeNull()
    expect(decodePacket(Buffer.alloc(0), KEY)).toBeNull()
  })
})

describe('the window against replay', () => {
  test('each sequence once, in any order within the window', () => {
    const window = new SequenceWindow()
    expect([1n, 3n, 2n, 2n, 3n, 1n, 70n, 7n, 6n, 70n, 500n, 70n].map((each) => window.accept(each))).toEqual([
      true,
      true,
      true,
      false,
      false,
      false,
      true,
      true,
      false,
      false,
      true,
      false
    ])
    expect(window.accept(0n)).toBe(false)
  })

  test('of an incarnation that is believed from some sequence on, none before it counts', () => {
    const window = SequenceWindow.from(5n)
    expect([5n, 4n, 1n, 7n, 6n, 5n, 3n, 70n, 7n].map((each) => window.accept(each))).toEqual([false, false, false, true, true, false, false, true, false])
  })
})
