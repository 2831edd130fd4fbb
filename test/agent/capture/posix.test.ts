import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import fs from 'node:fs'
import path from 'node:path'
import { promisify } from 'node:util'
import { withFuse } from './fuse'
import { type RecordedCapture, startRecordedCapture } from './recordedCapture'
import * as libc from '../../../agent/native/libc'

const run = promisify(execFile)

withFuse('a captured folder behaves as any folder', () => {
  let recorded: RecordedCapture
  let folder: string
  const at = (name: string): string => path.join(folder, name)
  const below = (name: string): string => path.join(recorded.capture.underlyingDirectory, name)
  const shell = async (script: string): Promise<string> => (await run('sh', ['-c', script], { cwd: folder })).stdout.trim()
  const code = (work: () => unknown): string => {
    try {
      work()
      return 'ok'
    } catch (error) {
      return (error as NodeJS.ErrnoException).code ?? String(error)
    }
  }
  const kinds = async (): Promise<string[]> => (await recorded.operations()).map((operation) => operation.kind)

  beforeEach(async () => {
    recorded = await startRecordedCapture({ exclude: ['*.tmp', 'cache', '**/deep.log'] })
    folder = recorded.folder
    fs.chmodSync(folder, 0o777)
  })
  afterEach(() => recorded.end())

  test("errors are the system's own", () => {
    fs.writeFileSync(at('file'), 'x')
    fs.mkdirSync(at('full/inside'), { recursive: true })
    expect(code(() => fs.readFileSync(at('absent')))).toBe('ENOENT')
    expect(code(() => fs.openSync(at('file'), 'wx'))).toBe('EEXIST')
    expect(code(() => fs.mkdirSync(at('file')))).toBe('EEXIST')
    expect(code(() => fs.readdirSync(at('file')))).toBe('ENOTDIR')
    expect(code(() => fs.rmdirSync(at('full')))).toBe('ENOTEMPTY')
    expect(code(() => fs.unlinkSync(at('full')))).toBe('EISDIR')
    expect(code(() => fs.renameSync(at('full'), at('full/inside/self')))).toBe('EINVAL')
    expect(code(() => fs.writeFileSync(at('n'.repeat(256)), ''))).toBe('ENAMETOOLONG')
    expect(code(() => fs.writeFileSync(at('n'.repeat(255)), ''))).toBe('ok')
    expect(libc.renameat2(libc.AT_FDCWD, libc.cString(at('full')), libc.AT_FDCWD, libc.cString(at('file')), 1)).toBe(-17)
    expect(libc.lgetxattr(libc.cString(at('file')), libc.cString('user.none'), null, 0)).toBe(-61)
  })

  test('a file that was unlinked while open lives on, unsent', async () => {
    fs.writeFileSync(at('file'), 'first')
    const fd = fs.openSync(at('file'), 'r+')
    fs.unlinkSync(at('file'))
    const before = (await kinds()).filter((kind) => kind === 'write').length
    fs.writeSync(fd, 'second, longer')
    fs.ftruncateSync(fd, 6)
    fs.fchmodSync(fd, 0o600)
    expect(fs.fstatSync(fd)).toMatchObject({ size: 6, nlink: 0 })
    expect(fs.readFileSync(`/proc/self/fd/${fd}`, 'utf8')).toBe('second')
    expect((await kinds()).filter((kind) => kind === 'write')).toHaveLength(before)
    fs.closeSync(fd)
  })

  test('hard links are one file, also after the first name is gone and its directory renamed', async () => {
    fs.mkdirSync(at('one'))
    fs.writeFileSync(at('one/a'), 'x')
    fs.linkSync(at('one/a'), at('b'))
    const fd = fs.openSync(at('one/a'), 'r+')
    fs.renameSync(at('one'), at('two'))
    fs.writeSync(fd, 'A')
    fs.unlinkSync(at('two/a'))
    fs.writeSync(fd, 'B')
    fs.closeSync(fd)
    expect(fs.readFileSync(at('b'), 'utf8')).toBe('AB')
    expect(fs.statSync(at('b')).nlink).toBe(1)
    const writes = (await recorded.operations()).filter((operation) => operation.kind === 'write').map(({ path: name }) => name)
    expect(writes).toEqual(['one/a', 'two/a', 'b'])
    expect(recorded.capture.counters().needsMirror).toBe(0)
  })

  test('a change under a hard link that capture never saw asks for a mirror', async () => {
    await recorded.end()
    const fill = (base: string): void => {
      fs.writeFileSync(`${base}/seen`, 'x')
      fs.linkSync(`${base}/seen`, `${base}/unseen`)
    }
    recorded = await startRecordedCapture({ fill })
    folder = recorded.folder
    const needed = new Promise<string>((resolve) => recorded.capture.onNeedsMirror(resolve))
    const fd = fs.openSync(at('seen'), 'r+')
    fs.unlinkSync(at('seen'))
    fs.writeSync(fd, 'changed')
    fs.closeSync(fd)
    expect(await needed).toContain('hard links')
    expect(fs.readFileSync(at('unseen'), 'utf8')).toBe('changed')
  })

  test('new names belong to the caller, or to the group of a set-group-id directory', async () => {
    fs.mkdirSync(at('shared'))
    fs.chownSync(at('shared'), 0, 2000)
    fs.chmodSync(at('shared'), 0o2777)
    await run('sh', ['-c', 'umask 027; echo x > own; mkdir own.d; ln -s own own.l; mkfifo own.p; echo y > shared/f; mkdir shared/d'], {
      cwd: folder,
      uid: 1000,
      gid: 1001
    })
    expect(await shell('stat -c "%n %u:%g %a" own own.d own.l own.p shared/f shared/d')).toBe(
      ['own 1000:1001 640', 'own.d 1000:1001 750', 'own.l 1000:1001 777', 'own.p 1000:1001 640', 'shared/f 1000:2000 640', 'shared/d 1000:2000 2750'].join('\n')
    )
  })

  test('access lists hold as below, for whom they name, for whom they leave out, and for what is made under them', async () => {
    const script = [
      'echo x > open; chgrp 1001 open; chmod 640 open; stat -c %a open; setfacl -m u:1000:rw,g::- open; stat -c %a open; chmod 600 open; setfacl -m m::rw open',
      'mkdir d plain; setfacl -d -m u:1000:rwx,o::- d; setfacl -d -m o::- plain; chmod 777 d plain; umask 027',
      'for d in d plain .; do echo x > $d/f; mkdir $d/d; mkfifo $d/p; install -m 4755 /dev/null $d/s; done',
      'getfacl -cpn open d d/* plain/*; stat -c "%n %a" open */* f',
      'id=1000; for id in "1000 1000" "1003 1001" "1003 1003"; do set -- $id; setpriv --reuid $1 --regid $2 --clear-groups sh -c "echo y >> open" || echo refused; done 2>&1 | sed s/.*:.//'
    ].join('\n')
    fs.mkdirSync(path.join(path.dirname(folder), 'as below'), { mode: 0o777 })
    const below = await run('sh', ['-c', script], { cwd: path.join(path.dirname(folder), 'as below') })
    const here = await run('sh', ['-c', script], { cwd: folder })
    expect(here.stdout).toBe(below.stdout)
    expect(below.stdout).toMatch(/Permission denied\nrefused\nPermission denied\nrefused\n$/)
  }, 30_000)

  test('permissions hold: strangers are refused, sticky directories protect', async () => {
    fs.writeFileSync(at('secret'), 'x', { mode: 0o600 })
    fs.mkdirSync(at('sticky'))
    fs.chmodSync(at('sticky'), 0o1777)
    fs.writeFileSync(at('sticky/root'), '')
    const tried = await run('sh', ['-c', 'cat secret || echo refused; rm -f sticky/root || echo kept'], { cwd: folder, uid: 1000, gid: 1000 })
    expect(tried.stdout).toBe('refused\nkept\n')
  })

  test('a write by somebody else takes the set-user-id bit away, here and on the target', async () => {
    fs.writeFileSync(at('program'), 'x')
    fs.chownSync(at('program'), 1000, 1000)
    fs.chmodSync(at('program'), 0o6755)
    expect(fs.statSync(at('program')).mode & 0o7777).toBe(0o6755)
    await run('sh', ['-c', 'echo y >> program'], { cwd: folder, uid: 1000, gid: 1000 })
    expect(fs.statSync(at('program')).mode & 0o7777).toBe(0o755)
    const modes = (await recorded.operations()).flatMap((operation) => (operation.kind === 'chmod' && operation.path === 'program' ? [operation.mode] : []))
    expect(modes.at(-1)).toBe(0o755)
  })

  test('times keep their nanoseconds, and later writes are sent with theirs', async () => {
    fs.writeFileSync(at('file'), 'x')
    await shell('touch -d "2001-02-03 04:05:06.123456789 UTC" file')
    expect(fs.statSync(at('file'), { bigint: true }).mtimeNs).toBe(981173106123456789n)
    fs.appendFileSync(at('file'), 'y')
    const times = (await recorded.operations()).flatMap((operation) => (operation.kind === 'times' && operation.path === 'file' ? [operation.mtimeNs] : []))
    expect(times.at(-1)).toBe(fs.statSync(below('file'), { bigint: true }).mtimeNs)
    expect(times).toContain(981173106123456789n)
  })

  test('names need not be UTF-8', async () => {
    const name = Buffer.concat([Buffer.from(`${folder}/`), Buffer.of(0xff, 0xfe, 0x80)])
    fs.writeFileSync(name, 'x')
    expect(fs.readdirSync(folder, { encoding: 'buffer' })).toEqual([Buffer.of(0xff, 0xfe, 0x80)])
    expect((await recorded.operations())[1]).toMatchObject({ kind: 'create', path: '\xff\xfe\x80' })
  })

  test('two programs share memory, and locks hold between them', async () => {
    fs.writeFileSync(at('locked'), '')
    const holder = spawn('flock', [at('locked'), 'sh', '-c', 'echo held; read line'], { stdio: ['pipe', 'pipe', 'inherit'] })
    await once(holder.stdout, 'data')
    await expect(run('flock', ['-n', at('locked'), 'true'])).rejects.toMatchObject({ code: 1 })
    holder.stdin.end('go\n')
    await once(holder, 'exit')
    await run('flock', ['-n', at('locked'), 'true'])
  })

  test('holes are holes', async () => {
    await shell('truncate -s 1M sparse && printf x | dd of=sparse bs=1 seek=524288 conv=notrunc 2>/dev/null')
    const fd = fs.openSync(at('sparse'), 'r')
    expect(libc.lseek(fd, 0, 3)).toBe(524288)
    expect(libc.lseek(fd, 524288, 4)).toBe(528384)
    fs.closeSync(fd)
    expect(await shell('fallocate -p -o 524288 -l 4096 sparse && du -k sparse')).toMatch(/^[0-4]\b/)
  })

  test('a large directory is listed whole while names come and go', async () => {
    await shell('mkdir many && cd many && seq -f "stays-%g" 1 3000 | xargs touch')
    const churn = shell('cd many && for i in $(seq 60); do touch new-$i; rm -f new-$((i-5)); done')
    for (let round = 0; round < 5; round++) {
      const listed = fs.readdirSync(at('many')).filter((name) => name.startsWith('stays-'))
      expect(new Set(listed).size).toBe(3000)
      expect(listed).toHaveLength(3000)
    }
    await churn
  }, 20_000)

  test('excluded names work and are not sent; a rename over the border is told to the target', async () => {
    fs.mkdirSync(at('cache'))
    fs.writeFileSync(at('cache/x'), 'unsent')
    fs.writeFileSync(at('new.tmp'), 'content')
    expect((await recorded.operations()).filter((operation) => operation.path !== '' && operation.kind !== 'times')).toEqual([])
    fs.renameSync(at('new.tmp'), at('final'))
    const told = (await recorded.operations()).filter((operation) => operation.path === 'final')
    expect(told.map(({ kind }) => kind)).toEqual(['create', 'write', 'times'])
    fs.renameSync(at('final'), at('cache/final'))
    expect((await recorded.operations()).filter((operation) => operation.path === 'final').at(-1)?.kind).toBe('unlink')
  })

  test('an open file refuses the stop; a forced stop ends it, and the folder is an ordinary one again', async () => {
    fs.writeFileSync(at('file'), 'x')
    const fd = fs.openSync(at('file'), 'r+')
    await expect(recorded.capture.stop()).rejects.toMatchObject({ report: { code: 'E_CAPTURE_BUSY' } })
    fs.writeSync(fd, 'still served')
    await recorded.capture.stop({ force: true })
    expect(code(() => fs.writeSync(fd, 'too late'))).toMatch(/ENOTCONN|ECONNABORTED/)
    expect(fs.readFileSync(at('file'), 'utf8')).toBe('still served')
    expect(code(() => fs.closeSync(fd))).toBe('ENOTCONN')
  })

  test('a mount that is taken away is a fault', async () => {
    const fault = new Promise<{ code: string; message: string }>((resolve) => recorded.capture.onFault(resolve))
    await run('umount', [folder])
    expect(await fault).toMatchObject({ code: 'E_CAPTURE_FAILED', message: expect.stringContaining('taken away') })
  })
})
