# A stand-in for OpenWrt's addresses of interfaces, which stand in /tmp/networks: interface, family, addresses.

addresses_of() {
	found="$(sed -n "s/^$2 $3 //p" /tmp/networks)"
	eval "$1=\$found"
	[ -n "$found" ]
}
network_get_subnets() { addresses_of "$1" "$2" 4; }
network_get_subnets6() { addresses_of "$1" "$2" 6; }
