/** All commands, in the order of `--help`. */
import { caCommand } from './ca.ts';
import { certificateCommand } from './certificate.ts';
import { checkCommand } from './check.ts';
import type { Command } from './command.ts';
import { doctorCommand } from './doctor.ts';
import { explainCommand } from './explain.ts';
import { hashPinCommand } from './hash-pin.ts';
import { initCommand } from './init.ts';
import { loginCommand } from './login.ts';
import { reloadCommand } from './reload.ts';
import { runCommand } from './run.ts';
import { setupCommand } from './setup.ts';
import { snippetCommand } from './snippet.ts';
import { statusCommand } from './status.ts';
import { versionCommand } from './version.ts';

export const COMMANDS: readonly Command[] = [
  runCommand,
  initCommand,
  checkCommand,
  statusCommand,
  doctorCommand,
  explainCommand,
  snippetCommand,
  certificateCommand,
  loginCommand,
  setupCommand,
  hashPinCommand,
  caCommand,
  reloadCommand,
  versionCommand,
];
