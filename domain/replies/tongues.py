"""Wordings in other languages than English. Latin letters come without their accents."""

from __future__ import annotations

from domain.outcome_rules import OutcomeClass as C
from domain.replies import sources as src
from domain.replies.rules import rule

_SOURCE = (
    f"{src.ORANGE}; {src.GMX}; {src.RUSSIA}; {src.CHINA}; {src.KOREA}; {src.JAPAN}; {src.BRAZIL}"
)

TONGUE_RULES = (
    rule(
        "tongues.sender",
        C.AUTH_FAIL,
        """
        emetteur|expediteur .. invalide|refuse*|inconnu|rejete|incorrect|interdit
        domaine de l'emetteur|expediteur
        absender|absenderadresse|absenderdomain .. ungultig|unbekannt|nicht|abgelehnt|
            verweigert|gesperrt
        remitente .. no|invalido|rechazado|desconocido|bloqueado
        remetente .. nao|invalido|rejeitado|desconhecido|bloqueado|recusado
        mittente .. non|rifiutato|sconosciuto|bloccato
        отправител .. не|отклон|запрещ|подтвер
        发件人|寄件人|发信人|发送方 .. 不存在|无效|拒绝|验证|认证|不合法|伪造
        送信元|送信者|差出人 .. 認証|拒否|存在しない|不正|確認でき
        """,
        source=_SOURCE,
    ),
    rule(
        "tongues.size",
        C.TOO_BIG,
        """
        message|mail|courriel trop gros|volumineux|grand
        taille .. message|depasse|maximale
        nachricht|mail|groesse|grosse|nachrichtengroesse .. zu gross|groesse|uberschritten|
            ueberschritten
        zu gross|grosse|groesse
        mensaje|correo .. demasiado|excede tamano|grande
        tamanho|tamano .. excede|excedido|maximo|limite
        dimensione .. massima|messaggio
        размер .. превыш|больш
        大小 .. 超过|超出|超限
        邮件|信件 .. 过大|太大
        サイズ .. 超え|大き|制限
        메일 .. 크기|용량이_큼
        """,
        source=_SOURCE,
        unless="postfach|buzon|caixa|casella|boite|mailbox",
    ),
    rule(
        "tongues.inactive",
        C.INACTIVE,
        """
        compte|boite|adresse|destinataire .. desactive*|suspendu*|bloque*|ferme*|archive*|
            inactif|inactive|resilie*
        konto|postfach|empfanger|empfaenger|benutzer|account .. deaktiviert|gesperrt|
            geschlossen|inaktiv|gekundigt|stillgelegt|abgeschaltet
        cuenta|buzon|usuario|casilla .. desactivad*|suspendid*|bloquead*|inactiv*|deshabilitad*|
            cerrad*|inhabilitad*
        conta|caixa|usuario|caixa_postal .. desativad*|suspens*|bloquead*|inativ*|desabilitad*|
            encerrad*|cancelad*
        account|casella|utente|indirizzo .. disattivat*|sospes*|bloccat*|disabilitat*|inattiv*|
            chius*
        konto|skrzynka .. zablokowan*|nieaktywn*|zawieszon*
        почтовый|ящик|пользовател|аккаунт|учетная .. заблокирован|отключ|удален|неактив|приостанов
        用户|用戶|帐号|账号|帳號|账户|邮箱|收件人|信箱 .. 停用|禁用|冻结|凍結|被锁|锁定|注销|
            关闭|暂停|失效|过期
        アカウント|メールアドレス|ユーザ|メールボックス .. 停止|無効|利用でき|凍結|解約|休止
        휴면|정지|중지 .. 계정|사용자|메일
        계정|사용자 .. 휴면|정지|중지|해지
        """,
        source=_SOURCE,
        unless="ip|emetteur|expediteur|absender|remitente|remetente|mittente|spam",
    ),
    rule(
        "tongues.full",
        C.MAILBOX_FULL,
        """
        boite|compte|messagerie .. pleine|plein|sature*|saturee
        quota .. depasse*|atteint|superado|excedid*|excedida|uberschritten|ueberschritten|
            superat*|erschopft|exceeded
        cota|cuota .. excedid*|superad*|esgotad*|ultrapassad*|depassee
        postfach|mailbox|konto|speicher|speicherplatz|speichervolumen|benutzer .. voll|
            uberfullt|ueberfuellt|uberschritten|ueberschritten|erschopft|ausgeschopft|zuviele|
            zu_viele
        buzon|casilla|cuenta|bandeja .. llen*|saturad*|espacio
        caixa|conta|caixa_postal|mailbox .. cheia|lotada|cheio|sem_espaco
        casella|mailbox|posta .. piena|pieno|esaurit*
        skrzynka|mailbox .. pelna|przepelniona|vol
        kutusu|posta .. dolu
        ящик|почтовый|квота|пользовател .. переполнен|превыш|заполнен
        邮箱|信箱|郵箱|空间|空間|容量|收件人|用户 .. 已满|满|滿|不足|超过|超出|超限
        メールボックス|容量|受信箱|保存 .. いっぱい|超え|超過|一杯|オーバー
        편지함|용량|메일함|사서함 .. 초과|가득|부족
        """,
        source=_SOURCE,
    ),
    rule(
        "tongues.unknown",
        C.INVALID_RECIPIENT,
        """
        destinataire|adresse|utilisateur|compte|boite|usager .. inconnu*|invalide*|inexistant*|
            introuvable|incorrect*|erronee
        utilisateur|destinataire|adresse|compte|boite .. n'existe|existe|trouve* ?pas
        existe|existent pas
        inconnu|inconnue
        destinatario|usuario|cuenta|buzon|direccion|casilla|correo .. desconocid*|invalid*|
            inexistente|no_existe|no_valid*|incorrect*|no_encontrad*|no_se_encuentra|erroneo
        destinatario|usuario|conta|caixa|endereco|email .. desconhecid*|inexistente|invalid*|
            nao_existe|nao_encontrad*|incorret*|no_existe
        nao|no existe
        nao encontrado|encontrada|existente|cadastrado
        desconocido|desconocida|desconhecido|desconhecida|sconosciuto|sconosciuta|unbekannt|
            unbekannte|unbekannter
        utente|destinatario|casella|indirizzo|account .. sconosciut*|inesistente|non_esiste|
            non_valid*|non_trovat*|errato
        non esiste
        benutzer|empfanger|empfaenger|empfaengeradresse|empfangeradresse|postfach|adresse|
            teilnehmer|konto|mailbox .. unbekannt|nicht|ungultig|ungueltig|existiert_nicht|
            unzustellbar
        existiert nicht
        ungultig*|ungueltig*|unbekannt*|falsche* empfang*|empfaeng*|adresse|mailadresse|postfach
        kein .. postfach|benutzer|empfanger|empfaenger|konto
        gebruiker|adres|mailbox|ontvanger .. onbekend|bestaat_niet|ongeldig
        bestaat niet
        okand anvandare|mottagare|adress
        mottagaren|mottaker|bruker|anvandaren .. finns_inte|finnes_ikke|ukjent|okand
        uzytkownik|adres|konto|odbiorca .. nie_istnieje|nieznany|nieprawidlowy
        nie istnieje
        kullanici .. bulunamadi|yok|bilinmiyor|gecersiz
        alici .. bulunamadi|gecersiz
        не .. существует|найден|обнаружен|зарегистрирован
        неизвестный|неверный|несуществующий .. пользовател|получател|адрес|ящик
        нет .. такого|пользовател|ящика
        用户|用戶|收件人|收信人|邮箱|信箱|郵箱|帐号|账号|帳號|地址|使用者 .. 不存在|无效|無效|
            未找到|找不到|错误|不正确|没有|不明
        不存在 .. 用户|用戶|收件人|邮箱|信箱|该
        无此|查无|無此|没有此|没有该
        宛先|あて先|ユーザ|メールアドレス|受信者|アドレス|アカウント|メールボックス .. 存在しま|
            存在しな|不明|見つか|間違|誤り|無効|ありません
        존재하지|없는 .. 사용자|메일|계정|않|주소
        사용자|수신자|계정|주소 .. 없|존재하지|알_수_없|찾을_수
        """,
        source=_SOURCE,
        unless="""
            expediteur|emetteur|absender|remitente|remetente|mittente
            domaine|dominio|spf|dns
        """,
    ),
    rule(
        "tongues.reputation",
        C.REPUTATION_BLOCK,
        """
        trop de connexions|messages|mails|requetes|tentatives
        service refuse
        adresse ip|ip_source .. bloque*|refuse*|rejete*
        ip|serveur|server|servidor|host|rechner .. bloque*|bloquead*|gesperrt|bloccat*|
            abgelehnt|blockiert|rechazad*|rejeitad*
        zu viele verbindungen|nachrichten|mails|emails|anfragen
        demasiad*|muitas|muitos|troppe|troppi conexiones|mensajes|conexoes|mensagens|
            connessioni|messaggi
        lista negra|nera|noire
        schwarze liste
        limite .. envio|conexiones|mensagens
        ip|айпи|сервер|адрес .. заблокирован|черном|блокир
        слишком много|часто
        ip|服务器|来源|主机|发信 .. 拒绝|黑名单|封|限制|屏蔽|禁止
        频率|連線|连接|发送 .. 过高|限制|超过|超限|过多|频繁
        ブラックリスト|接続数|送信数|流量制限|送信制限
        ip .. 차단|거부
        스팸 .. 차단|ip|등록
        """,
        source=_SOURCE,
    ),
    rule(
        "tongues.content",
        C.CONTENT,
        """
        mail|message|courriel rejete|refuse
        contenu .. refuse|rejete|interdit|message
        indesirable|pourriel
        contenido|conteudo|contenuto|inhalt .. rechazad*|rejeitad*|rifiutat*|abgelehnt|bloque*|
            nicht|bloccat*
        correo|mensaje|mensagem|messaggio|nachricht .. no_deseado|spam|indesiderat*|unerwunscht|
            unerwuenscht
        спам|вирус|рассылк
        垃圾邮件|垃圾信|广告|病毒|违规|敏感|反垃圾|垃圾郵件
        内容 .. 拒绝|过滤|不合法|违反|拒否
        迷惑メール|スパム|ウイルス|ウィルス|迷惑
        스팸|바이러스
        """,
        source=_SOURCE,
    ),
    rule(
        "tongues.later",
        C.INFRA,
        """
        reessayer|reessayez|ulterieurement|plus_tard
        spater|spaeter .. erneut|versuchen|nochmal
        vorubergehend|voruebergehend|temporar|temporaer
        intente mas tarde
        tente novamente|mais_tarde
        riprovare|riprova
        попробуйте|повторите|временно
        稍后|稍候|暂时|系统繁忙|超时|重试
        しばらく|一時的|混雑|後ほど
        잠시|일시적|나중에
        """,
        source=_SOURCE,
        codes="4",
    ),
)
