/** The self-contained program for x86-64. */
import { tellProgramStory } from './program-story.ts';

await tellProgramStory('x64');
