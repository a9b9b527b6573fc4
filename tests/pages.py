#!/usr/bin/env python3
"""Goes through the pages in a real browser, as people would.

    tests/pages.py BINARY [--axe AXE.MIN.JS] [--screenshots FOLDER] [--only WORDS]

BINARY is the program jea-auth. It needs Chromium and its driver, and the Python packages selenium, pillow and zxing-cpp.
"""

import argparse
import base64
import hashlib
import hmac
import io
import json
import os
import re
import struct
import sys
import time

import zxingcpp
from PIL import Image
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.common.virtual_authenticator import VirtualAuthenticatorOptions

from browser import PASSWORD, Browser, Stack

DOCUMENT = os.path.join(os.path.dirname(__file__), "../docs/clients.md")

NEW_PASSWORD = "another long enough password"


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("binary")
    parser.add_argument("--axe", help="axe.min.js of axe-core; without it accessibility is not checked")
    parser.add_argument("--screenshots", help="where a picture of each state goes")
    parser.add_argument("--only", help="words that a journey's name must have", default="")
    return parser.parse_args()


def code(secret, after=0):
    """The code of an authenticator app (RFC 6238)."""
    key = base64.b32decode(secret.replace(" ", ""))
    digest = hmac.new(key, struct.pack(">Q", int(time.time()) // 30 + after), hashlib.sha1).digest()
    at = digest[-1] & 15
    return f"{(struct.unpack('>I', digest[at : at + 4])[0] & 0x7FFFFFFF) % 1000000:06}"


def wait_for_next_step():
    time.sleep(30.5 - time.time() % 30)


def enrol(browser):
    """Sets a second factor up, and gives back its secret and its recovery codes."""
    browser.press("#begin")
    browser.shown("#enrol svg path")
    secret = browser.find("#secret").text
    scanned = zxingcpp.read_barcodes(Image.open(io.BytesIO(browser.picture())))
    assert len(scanned) == 1, "the QR code cannot be read"
    assert scanned[0].text.startswith("otpauth://totp/") and secret.replace(" ", "") in scanned[0].text, scanned[0].text
    browser.look("account-factor-begun")
    browser.fill(factor_otp=code(secret))
    browser.press("#enrol .main")
    browser.shown("#recovery")
    return secret, browser.find("#recovery output").text.split("\n")


def recovery_codes_say_whose_they_are_and_print_on_one_page(browser, address, codes):
    day = browser.driver.execute_script("return new Date().toLocaleDateString([], {dateStyle: 'medium'})")
    whose = f"Recovery codes of {address} for jea-auth, made on {day}"
    assert browser.find("#recovery-of").text == whose
    saved = browser.downloaded("#recovery a", "recovery-codes.txt")
    assert saved == "\n".join([whose, "", *codes, ""]), saved
    printed = base64.b64decode(browser.cdp("Page.printToPDF", {"printBackground": True})["data"])
    assert len(re.findall(rb"/Type /Page\b", printed)) == 1, "it is printed on several pages"
    browser.cdp("Emulation.setEmulatedMedia", {"media": "print"})
    shown = browser.find("body").text
    browser.cdp("Emulation.setEmulatedMedia", {"media": ""})
    assert shown.startswith("The second factor is set up.") and shown.endswith("\n".join([whose, *codes])), shown


def somebody_logs_on_with_the_keyboard_alone_and_logs_off(browser, stack):
    address = stack.add("keyboard")
    browser.open("/users/sign-in/")
    browser.shown("#log-on")
    browser.look("sign-in")
    for field, kind in (("email", "username webauthn"), ("password", "current-password"), ("new-password", "new-password"), ("otp", "one-time-code")):
        assert browser.find(f"#{field}").get_attribute("autocomplete") == kind
    assert browser.focused() == "email"
    browser.driver.switch_to.active_element.send_keys(address, Keys.TAB, PASSWORD, Keys.ENTER)
    browser.at("/users/account")
    browser.says("#who", address)
    browser.look("account")
    browser.press("#log-off .main")
    browser.at("/users/sign-in")
    browser.open("/users/account")
    browser.expect(401)
    browser.at("/users/sign-in")
    browser.shown("#log-on")


def a_wrong_password_is_told_and_nothing_typed_is_lost(browser, stack):
    address = stack.add("typo")
    browser.expect(401)
    browser.log_on(address, "a wrong password")
    browser.says("#log-on .said", "Email or password is wrong.")
    assert browser.focused() == "password" and browser.find("#email").get_attribute("value") == address
    assert browser.find("#password").get_attribute("aria-invalid") == "true"
    browser.look("sign-in-wrong-password")
    shows = browser.find("#log-on .secret button")
    shows.click()
    assert browser.find("#password").get_attribute("type") == "text" and shows.get_attribute("aria-pressed") == "true"
    browser.fill(password=PASSWORD)
    browser.press("#log-on .main")
    browser.at("/users/account")


def whoever_tries_too_often_sees_how_long_to_wait(browser, stack):
    address = stack.add("hasty")
    browser.expect(401, 429)
    browser.log_on(address, "a wrong password")
    for _ in range(14):
        browser.wait(lambda: not browser.find("#log-on .main").get_attribute("aria-disabled"), "the button stays")
        browser.fill(password="a wrong password")
        browser.press("#log-on .main")
        browser.wait(lambda: browser.find("#log-on .said").text, "nothing is said")
        if "Too many attempts" in browser.find("#log-on .said").text:
            break
    browser.says("#log-on .said", "Too many attempts. You can try again in ")
    browser.look("sign-in-throttled")
    before = browser.find("#log-on .main").text
    assert re.fullmatch(r"In \d+ s", before), before
    browser.wait(lambda: browser.find("#log-on .main").text != before, "it does not count down")
    assert browser.find("#log-on .main").get_attribute("aria-disabled") == "true"
    # The attempts of another account are its own.
    browser.fill(email=stack.add("calm"), password=PASSWORD)
    assert not re.match(r"In \d", browser.find("#log-on .main").text) and not browser.find("#log-on .said").text
    browser.press("#log-on .main")
    browser.at("/users/account")


def without_a_network_nothing_is_lost(browser, stack):
    address = stack.add("offline")
    browser.open("/users/sign-in")
    browser.fill(email=address, password=PASSWORD)
    offline = {"offline": True, "latency": 0, "downloadThroughput": -1, "uploadThroughput": -1}
    browser.cdp("Network.emulateNetworkConditions", offline)
    browser.expect(0)
    browser.press("#log-on .main")
    browser.says("#log-on .said", "The service could not be reached.")
    browser.look("sign-in-offline")
    browser.cdp("Network.emulateNetworkConditions", offline | {"offline": False, "latency": 1500})
    browser.press("#log-on .main")
    browser.says("#log-on .main", "One moment")
    browser.look("sign-in-waiting")
    browser.cdp("Network.emulateNetworkConditions", offline | {"offline": False})
    browser.at("/users/account")
    browser.driver.back()
    browser.shown("#log-on")
    browser.driver.forward()
    browser.says("#who", address)


def a_forgotten_password_is_set_by_the_mailed_link(browser, stack):
    address = stack.add("forgetful")
    browser.open("/users/sign-in")
    browser.press("a[href='#forgot']")
    browser.shown("#forgot")
    browser.look("sign-in-forgot")
    browser.fill(forgot_email=address)
    browser.press("#forgot .main")
    browser.says("#forgot .said", "a message is on its way")
    browser.look("sign-in-forgot-sent")
    browser.driver.back()
    browser.shown("#log-on")
    link = stack.link(address)
    browser.open("about:blank")
    browser.open(link[:-5])
    browser.says("#forgot .said", "This link is not whole.")
    browser.look("sign-in-link-not-whole")
    # As mail programs change them, the last one as most do.
    encoded = link.replace("#reset=", "#reset%3D")
    for changed in (link, link, f"{link}.", f"{link})", f"{link}>", f"{link}%", encoded, f"{encoded}&utm_source=mail"):
        browser.open("about:blank")
        browser.open(changed)
        browser.shown("#reset")
        assert browser.find("#reset-email").get_attribute("value") == address, changed
    browser.expect(400, 403)
    browser.fill(new_password="short")
    browser.press("#reset .main")
    browser.says("#reset .said", "This password is too short.")
    assert browser.focused() == "new-password"
    browser.look("sign-in-reset-refused")
    browser.fill(new_password=NEW_PASSWORD)
    browser.press("#reset .main")
    browser.says("#log-on .said", "Your password is set.")
    browser.look("sign-in-reset-done")
    assert "#" not in browser.driver.current_url and browser.find("#email").get_attribute("value") == address
    browser.fill(password=NEW_PASSWORD)
    browser.press("#log-on .main")
    browser.at("/users/account")
    browser.open("about:blank")
    browser.open(link)
    browser.fill(new_password=PASSWORD)
    browser.press("#reset .main")
    browser.says("#reset .said", "This link has expired or was used.")


def who_is_invited_sets_a_password_and_logs_on(browser, stack):
    stack.run("user", "invite", "invited@example.org", "--name", "Invited")
    browser.open(stack.link("invited@example.org"))
    browser.fill(new_password=NEW_PASSWORD)
    browser.press("#reset .main")
    browser.says("#log-on .said", "Your password is set.")
    browser.fill(password=NEW_PASSWORD)
    browser.press("#log-on .main")
    browser.at("/users/account")
    browser.says("#who", "invited@example.org")


def an_owner_changes_details_and_password(browser, stack):
    address = stack.add("owner")
    browser.log_on(address)
    browser.says("#who", address)
    browser.fill(details_company="jEPlus", details_nickname="José")
    browser.press("#details .main")
    browser.says("#details .said", "Saved.")
    browser.driver.refresh()
    browser.wait(lambda: browser.find("#details-nickname").get_attribute("value") == "José", "the name is not kept")
    browser.expect(400, 403)
    browser.fill(old_password="wrong", new_password=NEW_PASSWORD)
    browser.press("#password-form .main")
    browser.says("#password-form .said", "The current password is wrong.")
    assert browser.focused() == "old-password"
    browser.fill(old_password=PASSWORD, new_password="short")
    browser.press("#password-form .main")
    browser.says("#password-form .said", "This password is too short.")
    browser.fill(new_password=NEW_PASSWORD)
    browser.press("#password-form .main")
    browser.says("#password-form .said", "Your password is changed")


def sessions_are_seen_and_ended(browser, stack):
    address = stack.add("sessions")
    for _ in range(3):
        browser.log_on(address)
        browser.at("/users/account")
        browser.wait(lambda: browser.all("#sessions li"), "no sessions")
        browser.driver.delete_all_cookies()
    browser.log_on(address)
    browser.wait(lambda: len(browser.all("#sessions li")) == 4, "not four sessions")
    assert sum("This session" in one.text for one in browser.all("#sessions li")) == 1
    browser.press("#sessions li button")
    browser.says("#sessions .said", "The session has ended.")
    # One that has ended elsewhere is told as that, and does not stay in the list.
    _, token = stack.ask("POST", "auth", {"email": address, "password": PASSWORD})
    browser.driver.refresh()
    browser.wait(lambda: len(browser.all("#sessions li")) == 4, "not four sessions")
    stack.ask("POST", "logout", token=token)
    browser.expect(404)
    browser.press("#sessions li button")
    browser.says("#sessions .said", "It has ended already.")
    browser.wait(lambda: len(browser.all("#sessions li")) == 3, "what has ended is still shown")
    browser.press("#sessions .main")
    browser.says("#sessions .said", "All other sessions have ended.")
    browser.wait(lambda: len(browser.all("#sessions li")) == 1, "others are left")


def an_access_key_is_made_copied_and_ended(browser, stack):
    browser.cdp("Browser.grantPermissions", {"permissions": ["clipboardReadWrite", "clipboardSanitizedWrite"]})
    browser.log_on(stack.add("scripts"))
    browser.says("#keys ul", "No access keys yet.")
    browser.fill(key_name="cluster")
    browser.press("#keys .main")
    key = browser.wait(lambda: browser.find("#key output").text, "no key is shown")
    assert re.fullmatch(r"jea_[0-9a-f]{32}_[\w-]{43}", key), key
    browser.look("account-key")
    browser.press("#key .copy")
    browser.says("#keys .said", "Copied.")
    assert browser.driver.execute_async_script("navigator.clipboard.readText().then(arguments[0])") == key
    browser.says("#keys ul", "cluster")
    assert "for reading alone" not in browser.find("#keys ul").text
    browser.press("#keys li button")
    browser.says("#keys ul", "No access keys yet.")
    assert not browser.find("#key").is_displayed(), "a key that has ended is still to be copied"
    browser.fill(key_name="reader")
    browser.press("#key-read-only")
    browser.look("account-key-read-only")
    browser.press("#keys .main")
    browser.says("#keys ul", "for reading alone")
    assert not browser.find("#key-read-only").is_selected()


def a_second_factor_is_set_up_asked_for_and_removed(browser, stack):
    address = stack.add("careful")
    browser.log_on(address)
    browser.says("#who", address)
    secret, codes = enrol(browser)
    assert len(codes) == 10
    browser.look("account-recovery-codes")
    recovery_codes_say_whose_they_are_and_print_on_one_page(browser, address, codes)
    browser.driver.delete_all_cookies()
    browser.expect(401)
    browser.log_on(address)
    browser.shown("#code")
    browser.look("sign-in-code")
    browser.fill(otp="000000")
    browser.press("#code .main")
    browser.says("#code .said", "This code is wrong, or was used already.")
    assert browser.focused() == "otp"
    browser.driver.refresh()
    browser.fill(email=address, password=PASSWORD)
    browser.press("#log-on .main")
    browser.shown("#code")
    browser.driver.back()
    browser.shown("#log-on")
    assert browser.find("#email").get_attribute("value") == address
    browser.press("#log-on .main")
    browser.fill(otp=codes[0].upper().replace("-", " "))
    browser.press("#code .main")
    browser.at("/users/account")
    browser.driver.delete_all_cookies()
    wait_for_next_step()
    browser.log_on(address)
    browser.fill(otp=code(secret))
    browser.press("#code .main")
    browser.at("/users/account")
    browser.says("#who", address)
    browser.expect(403)
    browser.fill(old_password=PASSWORD, new_password=NEW_PASSWORD)
    browser.press("#password-form .main")
    browser.says("#password-form .said", "Enter a code of your authenticator app, too.")
    browser.fill(password_otp=codes[1])
    browser.press("#password-form .main")
    browser.says("#password-form .said", "Your password is changed")
    browser.driver.refresh()
    browser.says("#codes-left", "Recovery codes that are left: 8")
    assert not browser.find("#begin").is_displayed(), "there is one already"
    browser.look("account-factor")
    browser.expect(400)
    browser.fill(codes_otp=codes[1])
    browser.press("#codes .main")
    browser.says("#codes .said", "This code is wrong, or was used already.")
    assert browser.focused() == "codes-otp"
    browser.fill(codes_otp=codes[2])
    browser.press("#codes .main")
    browser.shown("#recovery")
    browser.says("#codes-left", "Recovery codes that are left: 10")
    assert codes[3] not in browser.find("#recovery output").text
    browser.press("#remove")
    browser.says("#factor .said", "The second factor is removed.")
    assert not browser.find("#recovery").is_displayed() and not browser.find("#remove").is_displayed()
    browser.press("#begin")
    browser.shown("#enrol")
    browser.press("#give-up")
    browser.wait(lambda: not browser.find("#enrol").is_displayed(), "what was begun stays")


def a_second_factor_that_is_demanded_is_set_up_on_the_way_in(browser, stack):
    address = stack.add("guarded")
    stack.run("user", "set", address, "--role", "guarded")
    browser.expect(401)
    browser.log_on(address)
    browser.shown("#begin")
    browser.says("#factor .hint", "Your account must have a second factor.")
    browser.look("sign-in-factor-demanded")
    browser.press("#begin")
    browser.shown("#enrol svg path")
    secret = browser.find("#secret").text
    browser.look("sign-in-factor-begun")
    browser.expect(400)
    browser.fill(factor_otp="no code")
    browser.press("#enrol .main")
    browser.says("#factor .said", "This code is wrong, or was used already.")
    browser.fill(factor_otp=code(secret))
    browser.press("#enrol .main")
    browser.shown("#recovery")
    assert len(browser.find("#recovery output").text.split("\n")) == 10
    # Whoever presses a key now goes nowhere: the codes are shown this once.
    assert browser.driver.switch_to.active_element.tag_name == "h1"
    browser.look("sign-in-recovery-codes")
    browser.press("#done button")
    browser.at("/users/account")
    browser.says("#codes-left", "Recovery codes that are left: 10")
    browser.expect(403)
    browser.press("#remove")
    browser.says("#factor .said", "Your account must have a second factor.")


def a_passkey_is_the_second_factor_that_is_demanded(browser, stack):
    address = stack.add("guarded-keyless")
    stack.run("user", "set", address, "--role", "guarded")
    device = VirtualAuthenticatorOptions(
        protocol="ctap2", transport="internal", has_resident_key=True, has_user_verification=True, is_user_verified=False
    )
    browser.driver.add_virtual_authenticator(device)
    browser.expect(401)
    browser.log_on(address)
    browser.press("#begin-passkey")
    browser.says("#factor .said", "No passkey was made.")
    browser.look("sign-in-passkey-not-made")
    # Who has begun with an app can take a passkey instead.
    browser.press("#begin")
    browser.shown("#enrol svg path")
    assert not browser.find("#begin-passkey").is_displayed()
    browser.press("#give-up")
    browser.shown("#begin")
    assert browser.focused() == "begin"
    browser.driver.set_user_verified(True)
    browser.press("#begin-passkey")
    browser.says("#factor .said", "The passkey is added.")
    browser.look("sign-in-passkey-added")
    assert browser.driver.switch_to.active_element.text == "Continue"
    browser.press("#done button")
    browser.at("/users/account")
    browser.says("#passkeys ul", "First passkey")
    # It is the last factor of an account that must have one.
    browser.expect(403)
    browser.press("#passkeys li button")
    browser.says("#passkeys .said", "Your account must have a second factor.")
    # And a whole log-on of its own.
    browser.press("#log-off .main")
    browser.at("/users/account")
    browser.says("#sessions ul", "(passkey)")
    # It is added also if nobody hears of it.
    browser.driver.remove_all_credentials()
    browser.driver.delete_all_cookies()
    unheard = stack.add("guarded-unheard")
    stack.run("user", "set", unheard, "--role", "guarded")
    browser.log_on(unheard)
    browser.shown("#begin-passkey")
    browser.lose_answer_once("POST", "/passkeys")
    browser.press("#begin-passkey")
    browser.says("#factor .said", "The service could not be reached.")
    browser.press("#begin-passkey")
    browser.says("#factor .said", "You have this passkey already.")
    browser.press("#done button")
    browser.says("#who", unheard)
    browser.driver.remove_virtual_authenticator()


def nobody_is_stuck_on_the_way_to_a_second_factor(browser, stack):
    address, other = stack.add("guarded-late"), stack.add("guarded-other")
    for one in (address, other):
        stack.run("user", "set", one, "--role", "guarded")
    browser.expect(401)
    browser.log_on(address)
    # The log-on has succeeded, and what comes next is not answered.
    browser.shown("#begin")
    browser.answer_once("GET", "/user", 503, json.dumps({"ok": False, "status": "x"}))
    browser.press("#begin")
    browser.says("#factor .said", "The service is unavailable for the moment.")
    waits = {"ok": False, "status": "x", "reason": "too-many-attempts"}
    browser.answer_once("POST", "/passkeys/new", 429, json.dumps(waits), {"Retry-After": "30"})
    browser.press("#begin-passkey")
    browser.says("#factor .said", "Too many attempts. You can try again in 30 s.")
    over = {"ok": False, "status": "x", "reason": "factor-not-begun"}
    browser.press("#begin")
    browser.shown("#enrol svg path")
    browser.answer_once("POST", "/totp/confirm", 400, json.dumps(over))
    browser.fill(factor_otp="000000")
    browser.press("#enrol .main")
    browser.says("#factor .said", "This setting up is over. Begin it again.")
    assert browser.focused() == "begin"
    # The password was given too long ago, or the session ends.
    needed = {"ok": False, "status": "x", "reason": "step-up-needed"}
    browser.answer_once("POST", "/totp", 403, json.dumps(needed))
    browser.press("#begin")
    browser.says("#log-on .said", "Give your password once more first.")
    browser.press("#log-on .main")
    browser.press("#begin")
    secret = browser.shown("#secret").text
    stack.run("session", "revoke", address, "--yes")
    browser.fill(factor_otp=code(secret))
    browser.press("#enrol .main")
    browser.says("#log-on .said", "Your session has ended. Log on again.")
    browser.look("sign-in-factor-ended")
    browser.press("#log-on .main")
    browser.shown("#begin")
    assert not browser.find("#enrol").is_displayed(), "what another session began is still shown"
    # Another account has nothing to do with what was begun for the first one.
    browser.press("#begin")
    browser.shown("#enrol svg path")
    browser.press("#factor .links a")
    browser.shown("#log-on")
    browser.fill(email=other, password=PASSWORD)
    browser.press("#log-on .main")
    browser.shown("#begin")
    assert not browser.find("#enrol").is_displayed(), "the secret of another account is shown"
    browser.press("#begin")
    browser.shown("#enrol svg path")
    secret = browser.find("#secret").text
    browser.log_on_elsewhere(stack.add("guest"))
    browser.fill(factor_otp=code(secret))
    browser.press("#enrol .main")
    browser.says("#log-on .said", "Your session has ended. Log on again.")
    # The account cannot be seen before that.
    browser.log_on(address)
    browser.press("#begin")
    browser.shown("#enrol svg path")
    browser.open("/users/account")
    browser.at("/users/sign-in")
    # Who was logged on before it was demanded is told the way.
    plain = stack.add("promoted")
    browser.log_on(plain)
    browser.says("#who", plain)
    stack.run("user", "set", plain, "--role", "guarded")
    browser.expect(403)
    browser.fill(old_password=PASSWORD, new_password=NEW_PASSWORD)
    browser.press("#password-form .main")
    browser.says("#password-form .said", "Log off, then log on again to set one up.")


def a_password_that_an_operator_chose_is_changed_on_the_way_in(browser, stack):
    for name, role in (("newcomer", []), ("guarded-newcomer", ["--role", "guarded"])):
        address = f"{name}@example.org"
        add = ("user", "add", address, "--name", name.title(), *role, "--password-stdin", "--temporary")
        stack.run(*add, stdin=PASSWORD)
        browser.expect(400, 401)
        browser.log_on(address)
        browser.shown("#change")
        assert browser.value("#change-email") == address
        browser.look("sign-in-change")
        browser.fill(changed_password=PASSWORD)
        browser.press("#change .main")
        browser.says("#change .said", "This cannot be your password.")
        assert browser.focused() == "changed-password"
        browser.look("sign-in-change-refused")
        browser.fill(changed_password=NEW_PASSWORD)
        browser.press("#change .main")
        if role:
            browser.press("#begin")
            browser.shown("#enrol svg path")
            browser.fill(factor_otp=code(browser.find("#secret").text))
            browser.press("#enrol .main")
            browser.press("#done button")
        browser.at("/users/account")
        browser.says("#who", address)
        browser.driver.delete_all_cookies()
    browser.log_on("newcomer@example.org", NEW_PASSWORD)
    browser.at("/users/account")


def a_chosen_password_that_was_changed_without_an_answer_is_taken(browser, stack):
    address = "unanswered@example.org"
    stack.run("user", "add", address, "--name", "Unanswered", "--password-stdin", "--temporary", stdin=PASSWORD)
    browser.expect(401)
    browser.log_on(address)
    browser.shown("#change")
    browser.lose_answer_once("POST", "auth")
    browser.fill(changed_password=NEW_PASSWORD)
    browser.press("#change .main")
    browser.says("#change .said", "Nothing is lost; try again.")
    # The session whose cookie came is another one.
    browser.driver.delete_all_cookies()
    browser.press("#change .main")
    browser.at("/users/account")
    browser.says("#who", address)


def an_email_is_changed_by_a_link_to_each_address(browser, stack):
    address, new = stack.add("mover"), "moved@example.org"
    browser.log_on(address)
    browser.expect(400)
    browser.fill(new_email="moved")
    browser.press("#email .main")
    browser.says("#email .said", "This is no email address.")
    assert browser.focused() == "new-email"
    browser.fill(new_email=new)
    browser.press("#email .main")
    browser.says("#email .said", "If the address can be used, messages are on their way")
    browser.look("account-email")
    links = [stack.link(address), stack.link(new)]
    browser.driver.delete_all_cookies()
    browser.open("about:blank")
    browser.open(links[0][:-5])
    browser.says("#log-on .said", "This link is not whole.")
    # As mail programs change them.
    for link in (links[0], links[1].replace("#email=", "#email%3D") + "."):
        browser.open("about:blank")
        browser.open(link)
        browser.shown("#confirm-email")
        browser.look("sign-in-confirm-email")
        browser.press("#confirm-email .main")
        browser.says("#log-on .said", "Confirmed. Once both addresses are, log on with the new one.")
    browser.log_on(new)
    browser.says("#who", new)
    browser.expect(403)
    browser.open("about:blank")
    browser.open(links[0])
    browser.press("#confirm-email .main")
    browser.says("#confirm-email .said", "This link has expired or was used.")
    browser.look("sign-in-confirm-email-used")
    browser.press("#confirm-email .links a")
    browser.shown("#log-on")


def a_passkey_is_made_logs_on_without_typing_and_is_removed(browser, stack):
    address = stack.add("keyless")
    browser.log_on(address)
    browser.says("#passkeys ul", "No passkeys yet.")
    # Without an authenticator none is made, and one that verifies nobody makes none.
    device = VirtualAuthenticatorOptions(
        protocol="ctap2", transport="internal", has_resident_key=True, has_user_verification=True, is_user_verified=False
    )
    browser.driver.add_virtual_authenticator(device)
    browser.fill(passkey_name="My laptop")
    browser.press("#passkeys .main")
    browser.says("#passkeys .said", "No passkey was made.")
    browser.driver.set_user_verified(True)
    browser.press("#passkeys .main")
    browser.says("#passkeys .said", "The passkey is added.")
    browser.says("#passkeys ul", "My laptop")
    browser.look("account-passkey")
    browser.fill(passkey_name="The same")
    browser.press("#passkeys .main")
    browser.says("#passkeys .said", "You have this passkey already.")
    # Its owner is there and verified at once, so that the field of the email offers it, and it is taken.
    browser.press("#log-off .main")
    browser.at("/users/account")
    browser.says("#who", address)
    browser.says("#sessions ul", "(passkey)")
    browser.driver.set_user_verified(False)
    browser.press("#log-off .main")
    browser.shown("#use-passkey")
    browser.look("sign-in-passkey")
    browser.press("#use-passkey")
    browser.says("#log-on .said", "No passkey was used.")
    browser.driver.set_user_verified(True)
    browser.press("#use-passkey")
    browser.at("/users/account")
    browser.says("#passkeys ul", "last used")
    browser.press("#passkeys li button")
    browser.says("#passkeys .said", "The passkey is removed.")
    browser.says("#passkeys ul", "No passkeys yet.")
    browser.wait(lambda: not browser.driver.get_credentials(), "the authenticator keeps what is of no use")
    browser.driver.remove_virtual_authenticator()
    browser.origins.append(stack.other)
    browser.open(f"{stack.other}/users/sign-in")
    browser.shown("#log-on")
    assert not browser.find("#use-passkey").is_displayed(), "an address has no passkeys"
    browser.open("/users/sign-in")


def a_page_of_one_s_own_does_so_by_the_lines_of_the_document(browser, stack):
    address, new = stack.add("builder"), "built@example.org"
    with open(DOCUMENT, encoding="utf-8") as document:
        blocks = re.findall(r"```js\n(.*?)```", document.read(), re.S)
    lines = "\n".join(block for block in blocks if "ask(" in block)
    browser.driver.add_virtual_authenticator(
        VirtualAuthenticatorOptions(transport="internal", has_resident_key=True, has_user_verification=True, is_user_verified=True)
    )
    browser.open("/users/sign-in#forgot")

    def runs(expression, *arguments):
        return browser.driver.execute_script(f"{lines}\nreturn {expression};", *arguments)

    assert runs("ask('auth', {email: arguments[0], password: arguments[1]})", address, PASSWORD)["ok"]
    assert runs("addPasskey('My own page')")["data"]["name"] == "My own page"
    browser.driver.delete_all_cookies()
    assert runs("logOn()")["email"] == address
    browser.driver.remove_virtual_authenticator()
    # As if a quarter of an hour had gone by.
    refused = {"ok": False, "status": "x", "reason": "step-up-needed"}
    browser.answer_once("POST", "/email", 403, json.dumps(refused))
    typed = "changeEmail(arguments[0], arguments[1], async () => arguments[2])"
    assert runs(typed, address, new, PASSWORD)["status"].startswith("If the address can be used")
    for one in (address, new):
        browser.open("about:blank")
        browser.open(stack.link(one))
        browser.press("#confirm-email .main")
        browser.says("#log-on .said", "Confirmed.")
    browser.log_on(new)
    browser.says("#who", new)


def a_password_is_asked_for_again_and_what_was_typed_stays(browser, stack):
    address = stack.add("patient")
    browser.log_on(address)
    browser.says("#who", address)
    # As if a quarter of an hour had gone by; the sentence is another one, in another language.
    refused = {"ok": False, "status": "Erst das Passwort.", "reason": "step-up-needed"}
    browser.answer_once("POST", "/keys", 403, json.dumps(refused))
    browser.fill(key_name="later")
    browser.press("#keys .main")
    browser.shown("#confirm")
    browser.look("account-confirm")
    browser.expect(403)
    browser.fill(confirm_password="wrong")
    browser.press("#confirm .main")
    browser.says("#confirm .said", "The current password is wrong.")
    browser.fill(confirm_password=PASSWORD)
    browser.press("#confirm .main")
    browser.wait(lambda: browser.find("#key output").text.startswith("jea_"), "no key is shown")
    browser.says("#keys ul", "later")


def a_session_that_ends_under_a_page_loses_nothing_typed(browser, stack):
    address = stack.add("tabs")
    browser.log_on(address)
    browser.says("#who", address)
    browser.fill(details_company="typed here")
    stack.run("session", "revoke", address, "--yes")
    browser.expect(401)
    # The authorizer may remember the session for five seconds; the operation itself looks.
    browser.press("#details .main")
    browser.shown("#ended")
    browser.says("#ended", f"The session of {address} has ended. Log on as {address} in another tab")
    browser.look("account-ended")
    browser.press("#ended .close")
    assert browser.find("#details-company").get_attribute("value") == "typed here"
    browser.press("#details .main")
    browser.press("#ended a")
    here, there = browser.driver.window_handles
    browser.driver.switch_to.window(there)
    browser.fill(email=address, password=PASSWORD)
    browser.press("#log-on .main")
    browser.at("/users/account")
    browser.driver.close()
    browser.driver.switch_to.window(here)
    browser.comes_back()
    browser.wait(lambda: not browser.find("#ended").is_displayed(), "it waits for a log-on that was")
    browser.press("#details .main")
    browser.says("#details .said", "Saved.")
    browser.driver.refresh()
    browser.wait(lambda: browser.find("#details-company").get_attribute("value") == "typed here", "it was not saved")


def two_accounts_in_one_browser_stay_apart(browser, stack):
    one, two = stack.add("one"), stack.add("two")
    stack.ask("POST", "auth", {"email": two, "password": PASSWORD})
    writes = {
        "details": lambda: browser.press("#details .main"),
        "key": lambda: browser.press("#keys .main"),
        "session": lambda: browser.press("#sessions li button"),
        "sessions": lambda: browser.press("#sessions .main"),
        "factor": lambda: browser.press("#begin"),
        "log off": lambda: browser.press("#log-off .main"),
    }
    for what, write in writes.items():
        browser.driver.delete_all_cookies()
        stack.ask("POST", "auth", {"email": one, "password": PASSWORD})
        browser.log_on(one)
        browser.says("#who", one)
        browser.wait(lambda: browser.all("#sessions li button"), "no other session")
        browser.fill(details_company="of the first", key_name="of the first")
        browser.log_on_elsewhere(two)
        write()
        browser.says("#who", two)
        for field in ("company", "nickname"):
            browser.wait(lambda: browser.value(f"#details-{field}") != "of the first", f"{what}: what was typed is kept")
        assert browser.value("#key-name") == "" and not browser.find("#enrol").is_displayed(), what
        browser.says("#keys ul", "No access keys yet.")
        assert browser.find("#who").text.startswith(two), f"{what}: the second account was logged off"
    # The one of the beginning, and one by each page.
    browser.wait(lambda: len(browser.all("#sessions li")) == 1 + len(writes), "sessions of the second account have ended")
    assert "company" not in stack.details(two), "details of the second account were changed"
    # Whoever comes back to a tab sees at once whose it is.
    browser.log_on(one)
    browser.says("#who", one)
    here = browser.driver.current_window_handle
    browser.driver.switch_to.new_window("tab")
    browser.log_on(two)
    browser.says("#who", two)
    browser.driver.close()
    browser.driver.switch_to.window(here)
    browser.comes_back()
    browser.says("#who", two)


def saving_one_detail_leaves_the_others_as_they_are(browser, stack):
    address, lines = stack.add("lines"), "1 High St\nLondon"
    profile = {"address": "1 High St\r\nLondon", "company": "jEPlus\nLtd"}
    stack.run("user", "set", address, *[f"--profile={name}={value}" for name, value in profile.items()])
    browser.log_on(address)
    browser.wait(lambda: browser.value("#details-address") == lines, "the address has not its lines")
    browser.look("account-address")
    browser.fill(details_tel="+44 20 7946 0000")
    browser.press("#details .main")
    browser.says("#details .said", "Saved.")
    told = stack.details(address)
    assert {name: told[name] for name in profile} == profile and told["tel"] == "+44 20 7946 0000", told
    browser.shown("#details-address").send_keys(Keys.ENTER, "England")
    browser.press("#details .main")
    browser.wait(lambda: stack.details(address)["address"] == f"{lines}\nEngland", "the address is not saved as typed")
    browser.expect(400)
    browser.fill(details_position="é" * 200)
    browser.press("#details .main")
    browser.says("#details .said", "This is too long. Use at most 256 bytes.")
    assert browser.focused() == "details-position"


def what_an_access_key_cannot_do_is_said_and_no_password_asked_for(browser, stack):
    address = stack.add("keyholder")
    _, token = stack.ask("POST", "auth", {"email": address, "password": PASSWORD})
    key = stack.ask("POST", "keys", {"name": "script"}, token)[0]["data"]["key"]
    browser.cdp("Emulation.setTimezoneOverride", {"timezoneId": "America/Los_Angeles"})
    browser.log_on(address, key)
    browser.says("#who", address)
    browser.expect(403)
    browser.fill(key_name="another")
    browser.press("#keys .main")
    browser.says("#keys .said", "An access key logged you on, and it cannot do this.")
    assert not browser.find("#confirm").is_displayed(), "a password is asked for"
    # The day of its last use is one in UTC, also where it is still the day before.
    today = browser.driver.execute_script("return new Date().toLocaleDateString([], {dateStyle: 'medium', timeZone: 'UTC'})")
    browser.says("#keys li", f"last used {today}")
    browser.cdp("Emulation.setTimezoneOverride", {"timezoneId": ""})


def what_is_no_answer_of_the_service_is_told_in_a_sentence(browser, stack):
    foreign = "Something between this page and the service refused this."
    answers = [
        (403, '{"message":"Forbidden"}', {}, foreign),
        (401, "<html><h1>Log on to the hotel", {}, foreign),
        (200, "<html><h1>Log on to the hotel", {}, foreign),
        (200, "null", {}, foreign),
        (429, '{"message":"Too Many Requests"}', {}, "Too many attempts. Wait a minute, then try again."),
        (502, "<html><h1>Bad Gateway", {}, "The service is unavailable for the moment."),
        (503, '{"ok":false,"status":"x","reason":"unavailable"}', {"Retry-After": "5"}, "The service is unavailable for the moment."),
        (400, '{"ok":false,"status":"x","reason":"a-word-of-a-later-release"}', {}, "The service refused this, and this page does not know why."),
    ]
    address = stack.add("abroad")
    browser.open("/users/sign-in")
    browser.fill(email=address, password=PASSWORD)
    for status, text, headers, sentence in answers:
        browser.answer_once("POST", "/auth", status, text, headers)
        browser.press("#log-on .main")
        # A 401 of the service is a wrong password.
        browser.says("#log-on .said", sentence)
        assert browser.value("#password") == PASSWORD
    browser.look("sign-in-foreign")
    browser.press("#log-on .main")
    browser.says("#who", address)
    for status, text, headers, sentence in answers:
        for method, operation, press, said in (
            ("POST", "/user", "#details .main", "#details .said"),
            ("DELETE", "/sessions", "#sessions .main", "#sessions .said"),
            ("POST", "/totp", "#begin", "#factor .said"),
            ("POST", "/email", "#email .main", "#email .said"),
            ("GET", "/user", "#keys .main", "#keys .said"),
        ):
            browser.fill(key_name="none", new_email="none@example.org")
            browser.answer_once(method, operation, status, text, headers)
            browser.press(press)
            browser.says(said, sentence)
    assert not stack.details(address).get("company") and "No access keys" in browser.find("#keys ul").text
    browser.look("account-foreign")
    for status, text, headers, sentence in answers:
        browser.answer_once("GET", "/user", status, text, headers, at_load=True)
        browser.says("#log-off .said", sentence)
    browser.look("account-not-loaded")
    # Whoever comes back finds the rest.
    browser.comes_back()
    browser.says("#keys ul", "No access keys yet.")
    browser.wait(lambda: not browser.find("#log-off .said").text, "what is over is still told")


def a_browser_that_keeps_no_cookies_is_told_so(browser, stack):
    address = stack.add("private")
    without = Browser(stack, browser.axe_file, browser.screenshots, {"profile.default_content_setting_values.cookies": 2})
    try:
        without.expect(401)
        without.log_on(address)
        without.says("#log-on .said", "Your browser did not keep the session. Allow cookies for this site")
        without.look("sign-in-no-cookies")
    finally:
        without.driver.quit()


def a_log_on_leads_home_and_nowhere_else(browser, stack):
    address, host = stack.add("traveller"), stack.url.split("//")[1]
    for wanted in (
        "https://evil.example/", "//evil.example", "/\\evil.example", "\\\\evil.example", "/%09/evil.example", "/%0a/evil.example",
        "javascript:alert(1)", "data:text/html,x", f"http://{host}@evil.example/", f"http://{host}.evil.example/",
        "http://127.0.0.1:9/", "%20https://evil.example", "http:evil.example", "https:/evil.example", "null", "",
    ):
        browser.log_on(address, path=f"/users/sign-in?return_to={wanted}")
        browser.wait(lambda: "/sign-in" not in browser.driver.current_url, f"{wanted} leads nowhere")
        assert browser.driver.current_url == f"{stack.url}/users/account", f"{wanted} leads to {browser.driver.current_url}"
        browser.says("#who", address)
        browser.driver.delete_all_cookies()
    browser.log_on(address, path="/users/sign-in?return_to=/users/api/user%3Fx=1")
    browser.at("/users/api/user")
    browser.says("body", address)
    browser.origins.append(stack.other)
    browser.log_on(address, path=f"/users/sign-in?return_to={stack.other}/users/api/info")
    browser.wait(lambda: browser.driver.current_url == f"{stack.other}/users/api/info", "a configured origin is not led to")
    browser.driver.delete_all_cookies()


JOURNEYS = [
    somebody_logs_on_with_the_keyboard_alone_and_logs_off,
    a_wrong_password_is_told_and_nothing_typed_is_lost,
    whoever_tries_too_often_sees_how_long_to_wait,
    without_a_network_nothing_is_lost,
    a_forgotten_password_is_set_by_the_mailed_link,
    who_is_invited_sets_a_password_and_logs_on,
    an_owner_changes_details_and_password,
    sessions_are_seen_and_ended,
    an_access_key_is_made_copied_and_ended,
    a_second_factor_is_set_up_asked_for_and_removed,
    a_second_factor_that_is_demanded_is_set_up_on_the_way_in,
    a_passkey_is_the_second_factor_that_is_demanded,
    nobody_is_stuck_on_the_way_to_a_second_factor,
    a_password_that_an_operator_chose_is_changed_on_the_way_in,
    a_chosen_password_that_was_changed_without_an_answer_is_taken,
    an_email_is_changed_by_a_link_to_each_address,
    a_passkey_is_made_logs_on_without_typing_and_is_removed,
    a_page_of_one_s_own_does_so_by_the_lines_of_the_document,
    a_password_is_asked_for_again_and_what_was_typed_stays,
    a_session_that_ends_under_a_page_loses_nothing_typed,
    two_accounts_in_one_browser_stay_apart,
    saving_one_detail_leaves_the_others_as_they_are,
    what_an_access_key_cannot_do_is_said_and_no_password_asked_for,
    what_is_no_answer_of_the_service_is_told_in_a_sentence,
    a_browser_that_keeps_no_cookies_is_told_so,
    a_log_on_leads_home_and_nowhere_else,
]


def main():
    options = arguments()
    if options.screenshots:
        os.makedirs(options.screenshots, exist_ok=True)
    stack = Stack(options.binary)
    browser = Browser(stack, options.axe, options.screenshots)
    try:
        for journey in JOURNEYS:
            name = journey.__name__.replace("_", " ")
            if options.only not in name:
                continue
            journey(browser, stack)
            browser.finish(name)
            print(f"ok  {name}", flush=True)
    except AssertionError as error:
        sys.exit(f"FAIL  {name}: {error}")
    finally:
        browser.driver.quit()
        stack.stop()


if __name__ == "__main__":
    main()
