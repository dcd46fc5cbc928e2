// @ts-check
/**
 * The one way to know who is at work in a folder: `.local/processes/` holds a file for each process
 * that matters to others, `<name>.<pid>.json`. A lock is a name that one living process may have; a
 * list of processes is all the files. What a dead process left there counts for nothing.
 *
 * Plain JavaScript without dependencies, since the build takes its lock here before anything is
 * installed or compiled; CommonJS, since the compiled code and Jest load it, too.
 */
const { execFileSync } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');

/**
 * A process for certain: an ID is used again sooner or later, an ID with its start time is not.
 *
 * @typedef {object} ProcessIdentity
 * @property {number} pid
 * @property {string} startedAt The kernel's start time of the process: opaque, only compared.
 */

/**
 * What is known of a process.
 *
 * @typedef {object} ProcessDetails
 * @property {string} name
 * @property {string} [scope] The name of the scope that it belongs to.
 *
 * @typedef {ProcessIdentity & ProcessDetails & { file: string }} ProcessFile `file` is where that is written.
 */

/**
 * Who has this process ID now; `undefined` if nobody, or only a zombie.
 *
 * @param {number} pid
 * @returns {ProcessIdentity | undefined}
 */
function identify(pid) {
  const startedAt = process.platform === 'linux' ? linuxStartTime(pid) : psStartTime(pid);
  return startedAt === undefined ? undefined : { pid, startedAt };
}

/**
 * Whether the very process that was identified still runs.
 *
 * @param {ProcessIdentity} identity
 */
function isAlive(identity) {
  return identify(identity.pid)?.startedAt === identity.startedAt;
}

/**
 * Where the files are.
 *
 * @param {string} local the `.local` folder of a clone, or of a stack
 */
function processFolder(local) {
  return path.join(local, 'processes');
}

/**
 * Writes a process's file, in one step: a reader never sees half of it. One of the same name and
 * process is replaced.
 *
 * @template {ProcessIdentity & ProcessDetails} Content
 * @param {string} local the `.local` folder of a clone, or of a stack
 * @param {Content} content
 * @returns {Content & ProcessFile}
 */
function writeProcessFile(local, content) {
  const folder = processFolder(local);
  const file = path.join(folder, `${content.name}.${content.pid}.json`);
  fs.mkdirSync(folder, { recursive: true });
  fs.writeFileSync(`${file}.new`, JSON.stringify(content), { mode: 0o600 });
  fs.renameSync(`${file}.new`, file);
  return { ...content, file };
}

/**
 * Reads the files of all processes, dead or alive.
 *
 * @param {string} local
 * @returns {ProcessFile[]}
 */
function readProcessFiles(local) {
  const folder = processFolder(local);
  if (!fs.existsSync(folder)) return [];
  const names = fs.readdirSync(folder).filter((name) => name.endsWith('.json'));
  return names.flatMap((name) => {
    const file = path.join(folder, name);
    try {
      return [{ ...JSON.parse(fs.readFileSync(file, 'utf8')), file }];
    } catch {
      // It has just been removed.
      return [];
    }
  });
}

/**
 * Makes this process the only one of a name in a `.local` folder, until its file is removed or it ends.
 *
 * Each writes its own file before it looks for those of others, so that of two who come at the same
 * moment both may be refused, but never both let in.
 *
 * @param {string} local
 * @param {string} name
 * @returns {{ file: string, holder?: undefined } | { file?: undefined, holder: ProcessIdentity }}
 *   the file, or who has the name.
 * @throws {Error} where the system does not tell when this process started.
 */
function claimName(local, name) {
  const self = identify(process.pid);
  if (!self) throw new Error(`cannot read the start time of process ${process.pid}`);
  const { file } = writeProcessFile(local, { name, ...self });
  const others = readProcessFiles(local).filter(
    (other) => other.name === name && other.file !== file,
  );
  const holder = others.find(isAlive);
  if (holder) {
    fs.rmSync(file, { force: true });
    return { holder };
  }
  for (const dead of others) fs.rmSync(dead.file, { force: true });
  process.once('exit', () => fs.rmSync(file, { force: true }));
  return { file };
}

/**
 * State and start time are fields 3 and 22 of `/proc/<pid>/stat`; field 2 may hold anything in brackets.
 *
 * @param {number} pid
 */
function linuxStartTime(pid) {
  let stat;
  try {
    stat = fs.readFileSync(`/proc/${pid}/stat`, 'utf8');
  } catch {
    return undefined;
  }
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return /[ZX]/.test(fields[0] ?? 'X') ? undefined : fields[19];
}

/** @param {number} pid */
function psStartTime(pid) {
  try {
    const line = execFileSync('ps', ['-o', 'state=,lstart=', '-p', String(pid)], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    }).trim();
    return line === '' || line.startsWith('Z') ? undefined : line.replace(/^\S+\s+/, '');
  } catch {
    return undefined;
  }
}

module.exports = {
  identify,
  isAlive,
  processFolder,
  writeProcessFile,
  readProcessFiles,
  claimName,
};
