LIB_SOURCES += $(addprefix analyzer/report/,escape.c frame_rows.c json_out.c one.c \
	report_json.c report_text.c screen.c show_json.c show_text.c text_frames.c text_tail.c \
	view.c words.c waits_json.c write.c)
