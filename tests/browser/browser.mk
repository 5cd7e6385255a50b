# HTML reports as a browser shows them. Included by GNUmakefile.

.PHONY: check-browser

check-browser: deps-browser all ## open HTML reports in headless Chromium, wide, narrow and printed
	@$(RUN) --timeout 600 tests/browser
