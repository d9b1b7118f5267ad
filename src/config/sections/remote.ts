/** The keys of [remote]: the way in from outside the LAN. */
import { count, flag, section, text } from '../key.ts';
import { readPublicAddress } from '../values.ts';

export const remote = section('The way in from outside.', {
  map_port: count({
    initial: 0,
    min: 0,
    max: 65_535,
    help: 'The external TCP port to map on the router with PCP, NAT-PMP or UPnP. 0: do not.',
    platform: 'On the router itself nothing is mapped: `lockgate openwrt apply --wan` opens the firewall.',
  }),
  public_address: text(readPublicAddress, {
    initial: 'auto',
    accepts: '"auto", "none", an address, stun:HOST:PORT, or an https URL that echoes the address',
    help: 'Who is asked under which address the Internet sees this site. auto: the account service, while the media server is a claimed Plex. none: nobody, and without map_port the router is not asked either.',
    example: '"stun:stun.example.org:3478"',
  }),
  discovery: flag({
    initial: false,
    help: "Answer searches for the server (GDM, UDP 7359) on the LAN with the gateway's address.",
  }),
});
