import { closeSync, fchmodSync, fchownSync, fstatSync, fsyncSync, openSync, readFileSync, realpathSync, renameSync, rmSync, statSync, writeFileSync, type Stats } from 'node:fs'
import { dirname } from 'node:path'
import { note } from './command.ts'

const GROUP = 0o070
/** Permissions of owner, group and others. A set-user-ID or set-group-ID bit has no place on a key file. */
const PERMISSIONS = 0o777

/**
 * Replaces a file in one step: a reader has the old content or the new one, whole. A symlink stays, and the
 * file behind it is replaced. Mode and owner stay.
 *
 * The temporary file beside it has a fixed name and is the lock, too: of two at a time, one fails and has
 * changed nothing.
 * @param edit makes the new content out of the old one, which cannot change meanwhile.
 * @returns the result of `edit`.
 * @throws the errors of `edit` and of the file system. The file is then as it was.
 */
export function replaceFile<Edited extends { content: Uint8Array }> (path: string, edit: (content: Buffer) => Edited): Edited {
  const target = realpathSync(path)
  if (!statSync(target).isFile()) throw new Error(`"${path}" is not a file`)
  const temporary = `${target}.rotating`
  const file = openLock(temporary, path)
  let edited: Edited
  try {
    edited = fill(file, target, edit)
    renameSync(temporary, target)
  } catch (error) {
    rmSync(temporary, { force: true })
    throw error
  }
  keepName(target)
  return edited
}

/**
 * Error codes of a platform or file system that cannot write a folder to the disk, such as Windows, or of a
 * folder that one may not read.
 */
const NO_FOLDER_SYNC: ReadonlyArray<string | undefined> = ['EISDIR', 'EPERM', 'EACCES', 'EINVAL', 'ENOTSUP']

/** Writes the new name to the disk. If that fails, the file is replaced all the same. */
function keepName (target: string): void {
  try {
    const folder = openSync(dirname(target), 'r')
    try {
      fsyncSync(folder)
    } finally {
      closeSync(folder)
    }
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (!NO_FOLDER_SYNC.includes(code)) note(`"${target}" is replaced, but a power failure now may undo it: ${code}`)
  }
}

function openLock (temporary: string, path: string): number {
  try {
    return openSync(temporary, 'wx', 0o600)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
    throw new Error(`"${path}" is being rotated: "${temporary}" exists. If no other rotation is running, one was interrupted and changed nothing: remove that file`)
  }
}

/** Writes the new content and closes the file. It is on the disk before it gets its name. */
function fill<Edited extends { content: Uint8Array }> (file: number, target: string, edit: (content: Buffer) => Edited): Edited {
  try {
    const edited = edit(readFileSync(target))
    writeFileSync(file, edited.content)
    keepOwner(file, statSync(target), target)
    fsyncSync(file)
    return edited
  } finally {
    closeSync(file)
  }
}

/** Gives the new file the owner and the mode of the old one. */
function keepOwner (file: number, { uid, gid, mode }: Stats, target: string): void {
  const isOwnerKept = tryChown(file, uid, gid)
  const isGroupKept = isOwnerKept || tryChown(file, fstatSync(file).uid, gid)
  const permissions = mode & PERMISSIONS
  // Another group than the one that could read it must not.
  fchmodSync(file, isGroupKept ? permissions : permissions & ~GROUP)
  if (!isOwnerKept) note(`the owner or group of "${target}" could not be kept: see to it that the app can still read it`)
}

/** @returns true if the file has this owner and group now. */
function tryChown (file: number, uid: number, gid: number): boolean {
  const own = fstatSync(file)
  if (own.uid === uid && own.gid === gid) return true
  try {
    fchownSync(file, uid, gid)
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EPERM') throw error
    return false
  }
}
