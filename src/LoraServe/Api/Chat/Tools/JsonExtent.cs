namespace LoraServe.Api.Chat.Tools;

/// <summary>Finds the end of a JSON object or array in a growing text, reading every character once.</summary>
internal struct JsonExtent(int begin)
{
    private int _position = begin;
    private int _depth;
    private bool _isInText;
    private bool _isEscaped;

    /// <summary>Where the value begins.</summary>
    public int Begin { get; } = begin;

    /// <summary>The index after the value's last bracket, or -1 if that has not come yet.</summary>
    /// <param name="text">The text so far; it extends that of earlier calls.</param>
    public int FindEnd(ReadOnlySpan<char> text)
    {
        for (; _position < text.Length; _position++)
        {
            var c = text[_position];
            if (_isInText)
            {
                if (_isEscaped) _isEscaped = false;
                else if (c == '\\') _isEscaped = true;
                else if (c == '"') _isInText = false;
            }
            else if (c == '"')
            {
                _isInText = true;
            }
            else if (c is '{' or '[')
            {
                _depth++;
            }
            else if (c is '}' or ']' && --_depth <= 0)
            {
                return ++_position;
            }
        }

        return -1;
    }
}
