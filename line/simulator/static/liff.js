window.liff = "LIFF-SETTINGS";
