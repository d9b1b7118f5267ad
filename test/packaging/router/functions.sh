# A stand-in for OpenWrt's functions: one firewall zone lan over two interfaces, one zone wan.

config_load() { :; }
config_foreach() {
	"$1" zone_lan
	"$1" zone_wan
}
config_get() {
	case "$2.$3" in
	zone_lan.name) eval "$1=lan" ;;
	zone_lan.network) eval "$1='lan guest'" ;;
	zone_wan.name) eval "$1=wan" ;;
	zone_wan.network) eval "$1=wan" ;;
	*) eval "$1=" ;;
	esac
}
