/** A small tree that has everything a package can have. */
import { file, folder, link, program, tree } from '../../docker/program/tree.ts';

export const SAMPLE = tree(
  file('etc/sample.toml', 'port = 1\n'),
  file('etc/empty', ''),
  program('usr/bin/sample', '#!/bin/sh\nexit 0\n'),
  link('usr/bin/other', 'sample'),
  { ...folder('data', 0o1777), uid: 10_001, gid: 10_001 },
);

/** 2026-01-02 03:04:05 UTC. */
export const SAMPLE_TIME = 1_767_323_045;
