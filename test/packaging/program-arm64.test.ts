/** The self-contained program for arm64. */
import { tellProgramStory } from './program-story.ts';

await tellProgramStory('arm64');
