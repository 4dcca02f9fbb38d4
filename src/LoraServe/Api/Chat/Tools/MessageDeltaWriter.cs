using System.Text;

namespace LoraServe.Api.Chat.Tools;

/// <summary>Collects what a parser finds into deltas. White space alone beside calls is no content.</summary>
/// <param name="isParallel">False keeps the first call alone.</param>
internal sealed class MessageDeltaWriter(bool isParallel)
{
    /// <summary>Longest white space that waits for what comes behind it.</summary>
    public const int MaxBlank = 1024;

    private readonly StringBuilder _content = new();
    private readonly StringBuilder _blank = new();
    private readonly List<ToolCall> _calls = [];
    private bool _isBlank = true;
    private int _callCount;

    /// <summary>Adds text for the reader; white space that a call may follow waits.</summary>
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

    /// <summary>What was added since the last time.</summary>
    /// <param name="isEnd">Whether nothing more comes: white space is content where there was no call.</param>
    public MessageDelta Take(bool isEnd)
    {
        if (isEnd && _callCount == 0) _content.Append(_blank);
        var delta = new MessageDelta(_content.ToString(), [.. _calls]);
        _content.Clear();
        _calls.Clear();
        return delta;
    }
}
