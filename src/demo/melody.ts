/** One minute of quiet music as a WAV file that exists nowhere: every sample is a function of its position, so any part can be had by itself. */

const FRAMES_PER_SECOND = 24_000;
const FRAMES_PER_STEP = 7_200;
const STEP_SECONDS = FRAMES_PER_STEP / FRAMES_PER_SECOND;
const STEPS_PER_BAR = 8;
const BARS = 25;
const BYTES_PER_FRAME = 4;
const HEADER_BYTES = 44;
const DATA_BYTES = BARS * STEPS_PER_BAR * FRAMES_PER_STEP * BYTES_PER_FRAME;
const ATTACK_SECONDS = 0.006;

/** Size of the whole file. */
export const MELODY_BYTES = HEADER_BYTES + DATA_BYTES;

/** A note on paper: lengths in steps, `pan` from -1 (left) to 1 (right). */
interface WrittenNote {
  readonly step: number;
  readonly midi: number;
  readonly steps: number;
  readonly gain: number;
  readonly pan: number;
}

/** A note as it is played. */
interface Note {
  readonly startSeconds: number;
  readonly seconds: number;
  readonly hertz: number;
  readonly left: number;
  readonly right: number;
}

/** Four bars: a bass note each, and the notes broken above it. MIDI numbers, 60 is middle C. */
const CHORDS = [
  { bass: 48, notes: [64, 67, 71, 74] },
  { bass: 45, notes: [64, 67, 72, 76] },
  { bass: 41, notes: [60, 65, 69, 76] },
  { bass: 43, notes: [62, 67, 69, 74] },
] as const;

const ARPEGGIO = [0, 2, 1, 3, 2, 1, 3, 2] as const;

const REST = 0;

/** What is sung over the four bars, by rounds; in the first of them nothing. */
const PHRASES: readonly (readonly number[])[] = [
  [],
  [79, 0, 0, 76, 0, 0, 74, 0, 76, 0, 0, 0, 72, 0, 74, 0, 72, 0, 0, 69, 0, 0, 72, 0, 74, 0, 0, 0, 0, 0, 0, 0],
  [83, 0, 0, 79, 0, 81, 79, 0, 76, 0, 0, 0, 79, 0, 76, 0, 77, 0, 76, 0, 72, 0, 0, 0, 74, 0, 0, 69, 71, 0, 0, 0],
];

/** The notes that may sound during each step. */
const SCORE = writeScore();

/** Bytes `start` to `end` of the file, `end` not included. */
export function melodyPart(start: number, end: number): Buffer {
  const header = start < HEADER_BYTES ? wavHeader().subarray(start, end) : Buffer.alloc(0);
  const from = Math.max(0, start - HEADER_BYTES);
  const to = Math.max(from, end - HEADER_BYTES);
  const firstFrame = Math.floor(from / BYTES_PER_FRAME);
  const frames = renderFrames(firstFrame, Math.ceil(to / BYTES_PER_FRAME));
  const skipped = from - firstFrame * BYTES_PER_FRAME;
  return Buffer.concat([header, frames.subarray(skipped, skipped + to - from)]);
}

/** RIFF header of 16-bit stereo PCM. */
function wavHeader(): Buffer {
  const header = Buffer.alloc(HEADER_BYTES);
  header.write('RIFF', 0);
  header.writeUInt32LE(MELODY_BYTES - 8, 4);
  header.write('WAVEfmt ', 8);
  header.writeUInt32LE(16, 16);
  header.writeUInt16LE(1, 20);
  header.writeUInt16LE(2, 22);
  header.writeUInt32LE(FRAMES_PER_SECOND, 24);
  header.writeUInt32LE(FRAMES_PER_SECOND * BYTES_PER_FRAME, 28);
  header.writeUInt16LE(BYTES_PER_FRAME, 32);
  header.writeUInt16LE(16, 34);
  header.write('data', 36);
  header.writeUInt32LE(DATA_BYTES, 40);
  return header;
}

function renderFrames(first: number, end: number): Buffer {
  const samples = new Int16Array((end - first) * 2);
  for (let frame = first; frame < end; frame += 1) {
    const seconds = frame / FRAMES_PER_SECOND;
    let left = 0;
    let right = 0;
    for (const note of SCORE[Math.floor(frame / FRAMES_PER_STEP)] ?? []) {
      const sound = soundOf(note, seconds - note.startSeconds);
      left += sound * note.left;
      right += sound * note.right;
    }
    samples[(frame - first) * 2] = left * 32_767;
    samples[(frame - first) * 2 + 1] = right * 32_767;
  }
  return Buffer.from(samples.buffer);
}

/** A struck bar: the tone and its third partial, by sin 3x = sin x (3 - 4 sin² x); the partial dies away sooner. */
function soundOf({ seconds, hertz }: Note, age: number): number {
  if (age < 0 || age >= seconds) return 0;
  const left = 1 - age / seconds;
  const falling = left * left * left;
  const sine = Math.sin(2 * Math.PI * hertz * age);
  return Math.min(1, age / ATTACK_SECONDS) * falling * sine * (1 + 0.3 * falling * (3 - 4 * sine * sine));
}

/** Sorts the notes by the steps they sound in. A note that would outlast the piece is left out, so the end is not cut off. */
function writeScore(): readonly (readonly Note[])[] {
  const score: Note[][] = Array.from({ length: BARS * STEPS_PER_BAR }, () => []);
  for (const { step, midi, steps, gain, pan } of writtenNotes()) {
    if (step + steps > score.length) continue;
    const note = {
      startSeconds: step * STEP_SECONDS,
      seconds: steps * STEP_SECONDS,
      hertz: 440 * 2 ** ((midi - 69) / 12),
      left: gain * (1 - pan),
      right: gain * (1 + pan),
    };
    for (const sounding of score.slice(step, step + steps)) sounding.push(note);
  }
  return score;
}

function* writtenNotes(): Generator<WrittenNote> {
  for (let bar = 0; bar < BARS; bar += 1) {
    const start = bar * STEPS_PER_BAR;
    const { bass, notes } = CHORDS[bar % CHORDS.length] ?? CHORDS[0];
    const phrase = PHRASES[Math.floor(bar / CHORDS.length) % PHRASES.length] ?? [];
    yield { step: start, midi: bass, steps: 8, gain: 0.2, pan: 0 };
    for (const [index, choice] of ARPEGGIO.entries()) {
      const step = start + index;
      yield { step, midi: notes[choice], steps: 5, gain: 0.09, pan: choice * 0.3 - 0.45 };
      const midi = phrase[step % phrase.length] ?? REST;
      if (midi !== REST) yield { step, midi, steps: 7, gain: 0.13, pan: 0.15 };
    }
  }
}
