LIB_SOURCES += $(addprefix analyzer/report/,candidate_words.c escape.c frame_rows.c \
	go_json.c interrupted.c json_out.c one.c report_json.c report_text.c screen.c \
	show_json.c show_object.c show_text.c text_findings.c text_frames.c text_groups.c \
	text_tail.c view.c wait_chain.c wait_words.c waits_json.c words.c write.c)
