# shellcheck shell=bash
# What the measurements share, on top of tests/lib.sh. Sourced (bash). They print numbers, never a verdict on them.

. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"

# What is missing is an error here: there is nothing to count as skipped
skip_all()
{
	echo "${0##*/}: this machine $1" >&2
	exit 1
}

# note TEXT: for a person who waits; standard output is for the result
note()
{
	echo "${0##*/}: $*" >&2
}

# count OPTION VALUE MAX: a number from 1
count()
{
	[[ $2 =~ ^[1-9][0-9]{0,5}$ ]] && [ "$2" -le "$3" ] && return
	note "$1: \"$2\" is not a number from 1 to $3"
	exit 2
}

# Where it was measured, as JSON
machine()
{
	local type=unknown dir
	dir=$(dirname "$GREYLINE")
	if [ -e "$dir/meson-info/intro-buildoptions.json" ]; then
		type=$(jq -r '[.[] | select(.name == "buildtype" or .name == "b_sanitize") | .value] | join(", sanitizers: ")' \
			"$dir/meson-info/intro-buildoptions.json")
	fi
	jq -n --arg cpu "$(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -n 1)" --argjson cpus "$(nproc)" \
		--arg kernel "$(uname -r)" --arg load "$(cut -d' ' -f1 /proc/loadavg)" --arg build "$type" \
		--arg version "$("$GREYLINE" version)" \
		'{ $version, $build, $cpu, $cpus, $kernel, load_before: ($load | tonumber) }'
}

# The machine's line over a table
machine_line()
{
	jq -r '"\(.version) (\(.build)); \(.cpu), \(.cpus) CPUs; Linux \(.kernel); load before \(.load_before)"'
}

# Numbers, one a line, to an object; percentiles as `greyline bench` counts them
distribution()
{
	jq -s 'sort | if length == 0 then null else { min: .[0], median: .[length / 2 | floor],
		p95: .[(length * 95 - 1) / 100 | floor], max: .[-1] } end'
}
