# bash completion for coreleaks. The options are those that its own --help lists as built.

_coreleaks()
{
	local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]}
	local option="" words=""

	COMPREPLY=()
	# bash splits --option=value into three words.
	if [[ $word == "=" ]]; then
		option=$before word=""
	elif [[ $before == "=" ]]; then
		option=${COMP_WORDS[COMP_CWORD - 2]}
	else
		option=$before
	fi
	case $option in
	--kind) words="thread goroutine" ;;
	--state) words="running runnable syscall waiting exited" ;;
	--verdict) words="proved likely suspect unknown benign" ;;
	--group-by) words="line function pc creator reason object label:" ;;
	--format)
		words="text json ndjson debug2 debug1 goleak pprof folded speedscope html dot markdown
			junit sarif github gitlab prometheus logfmt"
		;;
	--fail-on) words="proved likely suspect growth new none" ;;
	--color | --progress) words="auto always never" ;;
	--config | --write-baseline)
		mapfile -t COMPREPLY < <(compgen -f -- "$word")
		compopt -o filenames
		return
		;;
	--sysroot | --debug-dir | --spool | --strip-prefix)
		mapfile -t COMPREPLY < <(compgen -d -- "$word")
		compopt -o filenames
		return
		;;
	--allow | --iterations | --max-delta | --max-core-size | --on-leak) return ;;
	--focus | --ignore | --reason | --min-count | --min-age | --label | --threshold | --max-total | --members | \
		--limit | --root-goid | --ancestor | --max-frames | --max-memory | --timeout | \
		--source-url)
		return
		;;
	esac
	if [[ -n $words ]]; then
		mapfile -t COMPREPLY < <(compgen -W "$words" -- "$word")
	elif [[ $word == -* ]]; then
		words=$("${COMP_WORDS[0]}" --help 2>/dev/null |
			sed '/^ *Reserved/,/^ *-?,/d' | grep -o -- '--[a-z][a-z-]*' | sort -u)
		mapfile -t COMPREPLY < <(compgen -W "$words --help --version" -- "$word")
	else
		if [[ $COMP_CWORD == 1 ]]; then
			mapfile -t COMPREPLY < <(compgen -W "report show check compare" -- "$word")
		fi
		if [[ $COMP_CWORD == 3 && ${COMP_WORDS[1]} == show ]]; then
			mapfile -t COMPREPLY < <(compgen -W "tree" -- "$word")
		fi
		mapfile -t -O ${#COMPREPLY[@]} COMPREPLY < <(compgen -f -- "$word")
		compopt -o filenames
	fi
}

complete -F _coreleaks coreleaks
