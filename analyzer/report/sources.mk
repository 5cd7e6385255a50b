LIB_SOURCES += $(addprefix analyzer/report/,\
	blocking.c candidate_words.c escape.c format_debug1.c format_debug2.c format_dot.c \
	format_folded.c format_github.c format_gitlab.c format_goleak.c format_html.c \
	format_junit.c format_logfmt.c format_markdown.c format_ndjson.c format_pprof.c \
	format_prometheus.c format_sarif.c format_speedscope.c formats.c frame_rows.c go_census.c go_json.c \
	go_text.c go_wait_words.c go_waits_json.c go_words.c group_notes.c gzip.c headline.c html_flame.c \
	html_groups.c html_waits.c interrupted.c json_out.c one.c page.c protobuf.c redact.c \
	report_json.c report_text.c results.c rules.c samples.c screen.c show_json.c \
	show_object.c show_text.c show_tree.c tree_rows.c text_findings.c text_frames.c text_groups.c text_tail.c view.c \
	wait_chain.c wait_picture.c wait_words.c waits_json.c words.c write.c)
LIB_SOURCES += analyzer/report/kept.c analyzer/report/rules_report.c \
	analyzer/report/self_check_report.c
LIB_SOURCES += $(addprefix analyzer/report/,check_dot.c check_text.c comparison_html.c \
	comparison_text.c many.c many_html.c many_json.c)

# The compiler does not tell of files that the assembler takes in.
$(O)/obj/analyzer/report/page.o: analyzer/report/page.css analyzer/report/page.js
LIB_SOURCES += analyzer/report/join.c
