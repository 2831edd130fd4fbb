import fs from 'node:fs'
import koffi from 'koffi'

/**
 * `diskShutdown DIRECTORY`: shuts its file system down as a power cut does; nothing that was not flushed reaches the disk any more. The same call as
 * `xfs_io -x -c shutdown`, without that program's look at every mount first: a frozen FUSE server never answers it.
 */
const FS_IOC_SHUTDOWN = 0x8004587d
const GOING_DOWN_WITHOUT_LOG_FLUSH = 2

const ioctl = koffi.load('libc.so.6').func('int ioctl(int fd, ulong request, void *argument)')
const flags = Buffer.alloc(4)
flags.writeUInt32LE(GOING_DOWN_WITHOUT_LOG_FLUSH)
const directory = process.argv[2] ?? ''
if (ioctl(fs.openSync(directory, 'r'), FS_IOC_SHUTDOWN, flags) !== 0) {
  process.stderr.write(`${directory} cannot be shut down: error ${koffi.errno()}\n`)
  process.exit(1)
}
