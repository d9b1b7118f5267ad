/** Replaces the deprecated `util._extend`, which http-proxy reads when it is loaded: import this file before http-proxy. */
import util from 'node:util';

Object.assign(util, { _extend: Object.assign });
