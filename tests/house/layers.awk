# The rules of the floors, over all C files of analyzer/. Prints one line a fault.
#
#   includes   carry their folder; own folder, lower floors and coreleaks.h alone; cli/ knows
#              coreleaks.h only; each foreign library is used where its row says
#   words      only core/ opens files (cli/ its outputs); only report/ and cli/ print; only cli/
#              reads the environment or ends the process
#   sizes      functions, files and headers

BEGIN {
	num_floors = split("base core task stack group reason proof compare report cli", names, " ")
	for (i = 1; i <= num_floors; i++)
		floor_of[names[i]] = i
	# Files that may include a library's headers.
	library["elfutils/"] = "^(core/(modules|module_file|elf_files)|stack/(cfi|expression|self_check|dwarf_[a-z]+))\\.[ch]$"
	library["dwarf.h"] = "^stack/(cfi|expression|dwarf_[a-z]+)\\.[ch]$"
	library["libelf.h"] = "^(core|stack)/"
	library["gelf.h"] = "^(core|stack)/"
	library["archive.h"] = "^core/"
	library["archive_entry.h"] = "^core/"
	library["jansson.h"] = "^report/"
	library["zlib.h"] = "^(core/|compare/summary\\.c$|report/gzip\\.[ch]$)"
	library["xxhash.h"] = "^(base|group)/"
	library["libiberty/"] = "^stack/demangle\\.c$"
	library["argp.h"] = "^cli/"

	# Words that stand for themselves: no field, no part of another name.
	start = "(^|[^A-Za-z0-9_.>])"
	opens = start "(open|open64|openat|openat2|fopen|fdopen|freopen|opendir|creat|mkstemp|mkostemp|tmpfile|memfd_create|shm_open)[ \t]*\\("
	prints = start "(printf|fprintf|vprintf|vfprintf|dprintf|vdprintf|puts|fputs|putchar|putc|fputc|fwrite|perror|write|writev)[ \t]*\\("
	streams = start "(FILE|stdout|stderr)([^A-Za-z0-9_]|$)"
	says = start "(printf|puts|putchar|perror)[ \t]*\\("
	stdio = start "(stdout|stderr)([^A-Za-z0-9_]|$)"
	ends = start "(exit|_exit|_Exit|quick_exit|getenv|secure_getenv|setenv|putenv|setlocale|system|popen|fork)[ \t]*\\("
}

function fault(text) {
	printf "%s:%d: %s\n", FILENAME, FNR, text
	num_faults++
}

# The line without comments, and with empty strings.
function strip(line,    out, at) {
	out = ""
	while (line != "") {
		if (in_comment) {
			at = index(line, "*/")
			if (!at)
				return out
			line = substr(line, at + 2)
			in_comment = 0
		} else if (!match(line, /["'\/]/)) {
			return out line
		} else {
			out = out substr(line, 1, RSTART - 1)
			line = substr(line, RSTART)
			if (match(line, /^'(\\.|[^'\\])+'/) || match(line, /^"(\\.|[^"\\])*"/)) {
				out = out "\"\""
				line = substr(line, RLENGTH + 1)
			} else if (substr(line, 1, 2) == "/*") {
				in_comment = 1
				line = substr(line, 3)
			} else if (substr(line, 1, 2) == "//") {
				return out
			} else {
				out = out substr(line, 1, 1)
				line = substr(line, 2)
			}
		}
	}
	return out
}

function end_of_file() {
	if (last == "")
		return
	if (last ~ /\.c$/ && last_line > 700)
		printf "%s: %d lines, at most 700\n", last, last_line
	else if (last ~ /\.h$/ && last !~ /\/coreleaks\.h$/ && last_line > 120)
		printf "%s: %d lines, at most 120\n", last, last_line
	else
		return
	num_faults++
}

FNR == 1 {
	end_of_file()
	last = FILENAME
	num_files++
	in_comment = 0
	file = FILENAME
	sub(/^.*analyzer\//, "", file)
	folder = file ~ /\// ? file : ""
	sub(/\/.*/, "", folder)
	if (folder == "")
		floor = file == "coreleaks.h" ? 0 : num_floors
	else if (folder in floor_of)
		floor = floor_of[folder]
	else
		fault("no floor has the name " folder)
}

{
	last_line = FNR
	if (length($0) > 40 && expanded($0) > 100)
		fault("longer than 100 columns")
}

function expanded(line,    i, columns) {
	if (line !~ /\t/)
		return length(line)
	columns = 0
	for (i = 1; i <= length(line); i++)
		columns += substr(line, i, 1) == "\t" ? 8 - columns % 8 : 1
	return columns
}

/^[ \t]*#[ \t]*include/ {
	name = $0
	sub(/^[ \t]*#[ \t]*include[ \t]*/, "", name)
	quote = substr(name, 1, 1)
	name = substr(name, 2)
	sub(/[">].*/, "", name)
	if (quote == "<") {
		for (prefix in library)
			if (index(name, prefix) == 1 && file !~ library[prefix])
				fault("<" name "> is not for this file")
		if (name ~ /^coreleaks/)
			fault("write \"coreleaks.h\"")
		next
	}
	if (name == "coreleaks.h")
		next
	# Of the recipe and its results, which stand above all floors but cli/.
	if (name == "analysis.h" && file ~ /^[a-z]*\.[ch]$/ && file != "coreleaks.h")
		next
	to = name
	sub(/\/.*/, "", to)
	if (name !~ /\// || !(to in floor_of))
		fault("include \"" name "\" does not carry its folder")
	else if (folder == "cli" && to != "cli")
		fault("cli/ may include coreleaks.h alone, not \"" name "\"")
	else if (floor == 0 || floor_of[to] > floor)
		fault("include of a higher floor: \"" name "\"")
	else if (floor == num_floors && folder == "" && to == "cli")
		fault("include of a higher floor: \"" name "\"")
	next
}

{
	code = strip($0)
	sub(/format\(printf/, "", code)
	# One place a pattern: awk compiles it anew whenever it changes.
	if (folder != "core" && folder != "cli" && code ~ opens)
		fault("only core/ opens files")
	if (folder != "report" && folder != "cli" && folder != "core" &&
	    (code ~ prints || code ~ streams))
		fault("only report/ and cli/ write output")
	if (folder == "core" && (code ~ says || code ~ stdio))
		fault("only report/ and cli/ write output")
	if (folder != "cli" && code ~ ends)
		fault("only cli/ ends the process or reads its environment")
	if (code ~ /^\{/)
		began = FNR
	if (code ~ /^\}/ && began) {
		if (FNR - began - 1 > 60)
			fault("function of " FNR - began - 1 " lines, at most 60")
		began = 0
	}
}

END {
	end_of_file()
	if (!num_files) {
		print "layers: no files"
		exit 1
	}
	printf "check-layers: %d files, %d faults\n", num_files, num_faults
	exit num_faults > 0
}
