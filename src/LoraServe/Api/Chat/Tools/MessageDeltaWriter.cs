using System.Text;

namespace LoraServe.Api.Chat.Tools;

/// <summary>Collects a parser's output into deltas. White space alone beside calls is not content.</summary>
/// <param name="isParallel">False keeps the first call alone.</param>
internal sealed class MessageDeltaWriter(bool isParallel)
{
    /// <summary>Maximum white space held back until the next text.</summary>
    public const int MaxBlank = 1024;

    private readonly StringBuilder _content = new();
    private readonly StringBuilder _blank = new();
    private readonly List<ToolCall> _calls = [];
    private bool _isBlank = true;
    private int _callCount;

    /// <summary>Adds content; white space that a call may follow is held back.</summary>
    public void Add(ReadOnlySpan<char> text)
    {
        if (!_isBlank)
        {
            _content.Append(text);
            return;
        }

        _blank.Append(text);
        _isBlank = text.IsWhiteSpace() && _blank.Length <= MaxBlank;
        if (_isBlank) return;
        _content.Append(_blank);
        _blank.Clear();
    }

    /// <summary>Adds calls, and drops the white space before them.</summary>
    public void Add(IEnumerable<ToolCall> calls)
    {
        foreach (var call in calls)
        {
            if (_callCount++ == 0 || isParallel) _calls.Add(call);
        }

        _blank.Clear();
        _isBlank = true;
    }

    /// <summary>The delta since the last call.</summary>
    /// <param name="isEnd">Whether the text is over: then white space is content if there was no call.</param>
    public MessageDelta Take(bool isEnd)
    {
        if (isEnd && _callCount == 0) _content.Append(_blank);
        var delta = new MessageDelta(_content.ToString(), [.. _calls]);
        _content.Clear();
        _calls.Clear();
        return delta;
    }
}
