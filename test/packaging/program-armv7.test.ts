/** The self-contained program for armv7. */
import { tellProgramStory } from './program-story.ts';

await tellProgramStory('armv7');
