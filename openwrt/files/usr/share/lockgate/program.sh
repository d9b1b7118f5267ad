# shellcheck shell=dash
# Mounting the program. It stands in the flash as one packed file system: unpacked it would take 110 MB. Sourced, never run.

PROGRAM_FILE=/usr/share/lockgate/program.squashfs
PROGRAM_FOLDER=/usr/lib/lockgate
# The same text stands in the packed file system: it tells whether the mounted one is the installed one.
PROGRAM_BUILD=/usr/share/lockgate/build

program_is_mounted() {
	grep -q " $PROGRAM_FOLDER squashfs " /proc/mounts
}

program_is_current() {
	program_is_mounted && cmp -s "$PROGRAM_BUILD" "$PROGRAM_FOLDER/build"
}

# Says why and returns 1 when it cannot be mounted.
mount_program() {
	program_is_current && return 0
	unmount_program
	mkdir -p "$PROGRAM_FOLDER"
	mount -t squashfs -o loop,ro "$PROGRAM_FILE" "$PROGRAM_FOLDER" && return 0
	echo "lockgate: $PROGRAM_FILE cannot be mounted (is kmod-loop installed?)" >&2
	return 1
}

# What still runs from it keeps it until it ends.
unmount_program() {
	while program_is_mounted; do
		umount -l "$PROGRAM_FOLDER" || return 1
	done
}
