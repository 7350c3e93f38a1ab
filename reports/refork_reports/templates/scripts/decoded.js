// Reads an address. One that was broken on its way leads nowhere.

const decoded = (text) => {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
};
